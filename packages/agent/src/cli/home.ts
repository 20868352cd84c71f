import type { AgentConfig } from '@authmesh/agent/core/config';
import type { Provider } from '@authmesh/agent/core/providers';
import { loadAgentConfig } from '@authmesh/agent/io/config';
import type { CoordinatorAlertTerms } from '@authmesh/agent/io/coordinator-alert';
import type { SecretDeclaration } from '@authmesh/agent/io/formats/secret-declaration';
import { type Identity, readIdentity } from '@authmesh/agent/io/identity';
import type { ReloadSettings } from '@authmesh/agent/io/secrets-reload';
import type { StorePlaces } from '@authmesh/agent/io/state-directory';
import type { CommandContext, CommandOption } from '@authmesh/shared/node/command-line';
import type { ConfigurationOrigin } from '@authmesh/shared/node/configuration';
import { chooseHome } from '@authmesh/shared/node/home-path';
import type { LogLevel } from '@authmesh/shared/node/logger';

export const homeOption: CommandOption = {
  flags: '--home <dir>',
  description: 'the agent’s home (default: $AUTHMESH_HOME, else ~/.authmesh)',
};

export const stateDirOption: CommandOption = {
  flags: '--state-dir <dir>',
  description: 'OpenClaw’s state directory; may be given several times',
  repeatable: true,
};

export const logLevelOption: CommandOption = {
  flags: '--log-level <level>',
  description: 'the quietest line that is logged: debug, info, warn, error or silent',
};

/** The agent's home that a command is about. */
export function chooseAgentHome({ option }: CommandContext): string {
  return chooseHome({
    flag: option('home'),
    environment: process.env,
    variable: 'AUTHMESH_HOME',
    fallback: '~/.authmesh',
  });
}

/** The configuration in force. */
export interface Settings {
  readonly coordinators: readonly string[];
  /** Absolute paths. */
  readonly places: StorePlaces;
  readonly config: AgentConfig;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly reload: ReloadSettings;
  readonly secrets: readonly SecretDeclaration[];
  readonly alerts: CoordinatorAlertTerms;
  readonly logLevel: LogLevel;
  readonly file: string;
  readonly origins: readonly ConfigurationOrigin[];
}

/** Reads and checks `agent.json`, the environment and the flags of this command. */
export async function loadSettings(home: string, { option, options }: CommandContext): Promise<Settings> {
  const stateDirs = options('state-dir');
  const flags: Record<string, unknown> = {};
  if (stateDirs.length > 0) flags['--state-dir'] = stateDirs;
  const logLevel = option('log-level');
  if (logLevel !== undefined) flags['--log-level'] = logLevel;
  const { settings, configuration } = await loadAgentConfig({ home, environment: process.env, flags });
  return {
    coordinators: settings.core.coordinators,
    places: { stateDirs: settings.stateDirs, agentDir: settings.agentDir, tools: settings.tools },
    config: settings.core,
    providers: settings.providers,
    reload: settings.reload,
    secrets: settings.secrets,
    alerts: settings.alerts,
    logLevel: settings.logLevel,
    file: configuration.file,
    origins: configuration.origins,
  };
}

/** A member's home with its identity and its configuration. */
export interface OpenedHome {
  readonly home: string;
  readonly identity: Identity;
  readonly settings: Settings;
}

/** Opens the home of a member. Throws `ERR_NOT_JOINED` where it is none. */
export async function openHome(context: CommandContext): Promise<OpenedHome> {
  const home = chooseAgentHome(context);
  const identity = await readIdentity(home);
  return { home, identity, settings: await loadSettings(home, context) };
}
