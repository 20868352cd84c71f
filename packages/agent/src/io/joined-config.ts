import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AuthmeshError, systemErrorCode, systemReason } from '@authmesh/shared/node/errors';
import { writePrivateJson } from '@authmesh/shared/node/private-file';
import { agentFilePath } from './config.ts';

/** What joining puts into `agent.json`. */
export interface JoinedConfig {
  readonly coordinators: readonly string[];
  readonly name: string;
  /** Empty: the default, or what the file says already. */
  readonly stateDirs: readonly string[];
}

/** Adds what joining gave to `agent.json`; whatever else its owner wrote there stays. The file was valid before. */
export async function writeJoinedConfig(home: string, joined: JoinedConfig): Promise<void> {
  const file = agentFilePath(home);
  const before = await readObject(file);
  const openclaw =
    joined.stateDirs.length === 0 ? {} : { openclaw: { stateDirs: joined.stateDirs.map(dir => resolve(dir)) } };
  await writePrivateJson(file, { ...before, name: joined.name, coordinator: joined.coordinators, ...openclaw });
}

async function readObject(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return {};
    throw new AuthmeshError('ERR_FILE_ACCESS', `cannot read ${file}: ${systemReason(error)}`, {
      hint: 'mend that and run the command again',
    });
  }
}
