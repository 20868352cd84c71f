import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { AuthmeshError, operatorSentence } from '@authmesh/shared/node/errors';
import { findHolder, type InstanceLock, takeLock } from '@authmesh/shared/node/instance-lock';
import { ensurePrivateDirectory } from '@authmesh/shared/node/private-file';
import type { StorePlaces } from './state-directory.ts';

/*
 * Two agents with homes of their own (two memberships) would write one OpenClaw's stores against each other, so a state
 * directory has one agent. The claims lie beside the agents' homes and not in the state directory: what OpenClaw backs
 * up, counts or removes there is its own.
 */

/** An agent with another home that keeps a state directory. */
export interface OtherAgent {
  readonly stateDir: string;
  readonly home: string;
  readonly pid: number;
}

export interface StateDirClaims {
  /** Claims these in place of those before; where another agent has one, it throws and nothing changes. */
  readonly change: (places: StorePlaces) => Promise<void>;
  readonly release: () => Promise<void>;
}

/** Where the claims of this user's agents lie. */
function claimsFolder(): string {
  return join(homedir(), '.authmesh-claims');
}

/** Claims of the agent of `home`; `onTrouble` is told why one cannot be made, for the agent works without. */
export function createStateDirClaims(
  home: string,
  onTrouble: (sentence: string) => void,
  folder = claimsFolder(),
): StateDirClaims {
  const held = new Map<string, InstanceLock>();

  async function claim(file: string, stateDir: string): Promise<InstanceLock | undefined> {
    const marks = { home: await pathOf(home) };
    const refusal = (holder: { readonly home?: string | undefined; readonly pid: number }) =>
      new AuthmeshError(
        'ERR_ALREADY_RUNNING',
        `${stateDir} is kept by another agent already, with the home ${holder.home}, as process ${holder.pid}`,
        {
          hint: 'stop that one first, or name another folder with --state-dir, or in `openclaw.stateDirs` or `stores`',
        },
      );
    try {
      await ensurePrivateDirectory(folder);
      return await takeLock(file, marks, refusal);
    } catch (error) {
      if (!(error instanceof AuthmeshError) || error.code === 'ERR_ALREADY_RUNNING') throw error;
      onTrouble(operatorSentence(error));
      return undefined;
    }
  }

  return {
    async change(places) {
      const wanted = new Map<string, string>();
      for (const stateDir of foldersOf(places)) wanted.set(await claimFile(folder, stateDir), stateDir);
      const taken = new Map<string, InstanceLock>();
      try {
        for (const [file, stateDir] of wanted) {
          const lock = held.has(file) ? undefined : await claim(file, stateDir);
          if (lock) taken.set(file, lock);
        }
      } catch (error) {
        for (const lock of taken.values()) await lock.release();
        throw error;
      }
      for (const [file, lock] of taken) held.set(file, lock);
      for (const [file, lock] of held) {
        if (wanted.has(file)) continue;
        held.delete(file);
        await lock.release();
      }
    },
    async release() {
      for (const lock of held.values()) await lock.release();
      held.clear();
    },
  };
}

/** Living agents that keep one of these state directories for another home than `home`. */
export async function findOtherAgents(
  home: string,
  places: StorePlaces,
  folder = claimsFolder(),
): Promise<readonly OtherAgent[]> {
  const own = await pathOf(home);
  const others: OtherAgent[] = [];
  for (const stateDir of foldersOf(places)) {
    const holder = await findHolder(await claimFile(folder, stateDir)).catch(() => undefined);
    if (holder?.home !== undefined && holder.home !== own)
      others.push({ stateDir, home: holder.home, pid: holder.pid });
  }
  return others;
}

function foldersOf({ stateDirs, agentDir, tools = [] }: StorePlaces): readonly string[] {
  return [...stateDirs, ...(agentDir === undefined ? [] : [agentDir]), ...tools.map(({ file }) => dirname(file))];
}

/** Named after the folder itself, whatever leads to it. */
async function claimFile(folder: string, stateDir: string): Promise<string> {
  const name = createHash('sha256')
    .update(await pathOf(stateDir))
    .digest('hex');
  return join(folder, `${name.slice(0, 32)}.lock`);
}

async function pathOf(folder: string): Promise<string> {
  return realpath(folder).catch(() => resolve(folder));
}
