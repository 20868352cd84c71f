import { type CoordinatorSettings, loadCoordinatorConfig } from '@authmesh/coordinator/io/config';
import type { CommandContext, CommandOption } from '@authmesh/shared/node/command-line';
import type { ConfigurationOrigin } from '@authmesh/shared/node/configuration';
import { chooseHome } from '@authmesh/shared/node/home-path';

export const dataDirOption: CommandOption = {
  flags: '--data-dir <dir>',
  description: 'the coordinator’s data (default: $AUTHMESH_DATA_DIR, else ~/.authmesh-coordinator)',
};

/** The data folder that a command is about. */
export function chooseDataDir({ option }: CommandContext): string {
  return chooseHome({
    flag: option('data-dir'),
    environment: process.env,
    variable: 'AUTHMESH_DATA_DIR',
    fallback: '~/.authmesh-coordinator',
  });
}

const flagNames = ['listen', 'public-url', 'store', 'log-level'] as const;

/** The configuration in force: `coordinator.json`, the environment and the flags of this command. */
export async function loadSettings(
  dataDir: string,
  { option }: CommandContext,
): Promise<{
  readonly settings: CoordinatorSettings;
  readonly file: string;
  readonly origins: readonly ConfigurationOrigin[];
}> {
  const flags: Record<string, unknown> = {};
  for (const name of flagNames) {
    const value = option(name);
    if (value !== undefined) flags[`--${name}`] = name === 'public-url' ? value.split(',') : value;
  }
  const { settings, configuration } = await loadCoordinatorConfig({ dataDir, environment: process.env, flags });
  return { settings, file: configuration.file, origins: configuration.origins };
}
