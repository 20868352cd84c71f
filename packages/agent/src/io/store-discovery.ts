import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, minute } from '@authmesh/shared/core/time';
import { z } from 'zod';
import { type ProbeResult, probeAgentDatabase, probeSharedState } from './sqlite-probe.ts';
import { errorCode } from './store-file.ts';

/** Where a host's OpenClaw keeps its logins, found by looking at the host and never by its version. */
export type StoreGeneration = 'json' | 'json-with-state' | 'sqlite' | 'none' | 'unknown';

/** An agent of OpenClaw and the JSON store that is its own. */
export interface AgentStore {
  readonly id: string;
  readonly store: StoreId;
  readonly isPresent: boolean;
}

export interface StateDirectory {
  readonly stateDir: string;
  readonly generation: StoreGeneration;
  /** Every agent's JSON store; none where logins are kept elsewhere, even if an old file lies there. */
  readonly agents: readonly AgentStore[];
  /** Places of logins that this program does not read or write, with the reason for the operator. */
  readonly foreign: readonly { readonly path: string; readonly reason: string }[];
  /** The OpenClaw that last wrote `openclaw.json`, when it says so. */
  readonly openclawVersion?: string | undefined;
  /** OpenClaw's own bound of agents that run at once (`agents.defaults.maxConcurrent`), when it says so. */
  readonly concurrentMax?: number | undefined;
  /** Why no JSON store may be created here; undefined where one may. */
  readonly noCreation?: string | undefined;
}

export const storeFileName = 'auth-profiles.json';
/** The first release that keeps logins in SQLite: a JSON store beside it stops every command of later ones. */
const sqliteRelease = [2026, 6, 5] as const;
/** A database is probed again when it was replaced, or after this time when it was written. */
const probeMs: Milliseconds = 5 * minute;
const agentsMax = 1_000;

export interface StoreDiscovery {
  /** Looks at every state directory; cheap enough for every rescan. */
  readonly look: () => Promise<readonly StateDirectory[]>;
}

interface Probed {
  readonly inode: number;
  /** Of the database and of its write-ahead log, where new rows stand first. */
  readonly state: string;
  readonly at: number;
  readonly result: ProbeResult;
}

/** Finds the stores under `stateDirs`, agents that appear later among them. */
export function createStoreDiscovery(stateDirs: readonly string[], now: () => number = Date.now): StoreDiscovery {
  const probed = new Map<string, Probed>();

  async function examine(path: string, probe: (path: string) => ProbeResult): Promise<ProbeResult | undefined> {
    const stats = await stat(path).catch(() => undefined);
    if (!stats?.isFile()) {
      probed.delete(path);
      return undefined;
    }
    const known = probed.get(path);
    const log = await stat(`${path}-wal`).catch(() => undefined);
    const state = [stats.mtimeMs, stats.size, log?.mtimeMs, log?.size].join(' ');
    const isKnown = known?.inode === stats.ino && (known.state === state || known.result === 'logins');
    if (isKnown && now() - known.at < probeMs) return known.result;
    const result = stats.size === 0 ? 'no-logins' : probe(path);
    probed.set(path, { inode: stats.ino, state, at: now(), result });
    return result;
  }

  async function lookAt(stateDir: string): Promise<StateDirectory> {
    const agentDirs = await agentsOf(stateDir);
    const databases: { readonly path: string; readonly result: ProbeResult }[] = [];
    const shared = join(stateDir, 'state', 'openclaw.sqlite');
    const sharedResult = await examine(shared, probeSharedState);
    if (sharedResult) databases.push({ path: shared, result: sharedResult });
    const agents: AgentStore[] = [];
    let hasStateFile = false;
    for (const { id, directory } of agentDirs) {
      const database = join(directory, 'openclaw-agent.sqlite');
      const result = await examine(database, probeAgentDatabase);
      if (result) databases.push({ path: database, result });
      const store = join(directory, storeFileName) as StoreId;
      agents.push({ id, store, isPresent: await exists(store) });
      hasStateFile ||= await exists(join(directory, 'auth-state.json'));
    }
    const { openclawVersion, concurrentMax } = await readOpenclawConfig(stateDir);
    const present = agents.filter(agent => agent.isPresent);
    const holders = databases.filter(({ result }) => result !== 'no-logins');
    if (holders.length > 0) {
      const foreign = [...holders.map(explainDatabase), ...present.map(explainLeftover)];
      const isKnown = holders.some(({ result }) => result === 'logins');
      const noCreation = `${stateDir} keeps its logins in SQLite`;
      return { stateDir, generation: isKnown ? 'sqlite' : 'unknown', agents: [], foreign, openclawVersion, noCreation };
    }
    const generation = present.length === 0 ? 'none' : hasStateFile ? 'json-with-state' : 'json';
    const noCreation = present.length > 0 ? undefined : creationRefusal(stateDir, openclawVersion);
    return { stateDir, generation, agents, foreign: [], openclawVersion, concurrentMax, noCreation };
  }

  return { look: () => Promise.all([...new Set(stateDirs.map(dir => resolve(dir)))].map(lookAt)) };
}

/** Directories `agents/<id>/agent`, of the agents that have one. */
async function agentsOf(stateDir: string): Promise<readonly { readonly id: string; readonly directory: string }[]> {
  const root = join(stateDir, 'agents');
  const names = await readdir(root).catch((): string[] => []);
  const found = await Promise.all(
    names
      .toSorted()
      .slice(0, agentsMax)
      .map(async id => {
        const directory = join(root, id, 'agent');
        const stats = await stat(directory).catch(() => undefined);
        return stats?.isDirectory() ? [{ id, directory }] : [];
      }),
  );
  return found.flat();
}

/** Whether anything has the name: a loop of links and a directory are shown as the trouble they are. */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR';
  }
}

const versionField = z.object({ meta: z.object({ lastTouchedVersion: z.string().max(64) }) });
const concurrencyField = z.object({
  agents: z.object({ defaults: z.object({ maxConcurrent: z.number().int().min(1) }) }),
});

async function readOpenclawConfig(
  stateDir: string,
): Promise<{ readonly openclawVersion?: string | undefined; readonly concurrentMax?: number | undefined }> {
  try {
    const text: unknown = JSON.parse(await readFile(join(stateDir, 'openclaw.json'), 'utf8'));
    return {
      openclawVersion: versionField.safeParse(text).data?.meta.lastTouchedVersion,
      concurrentMax: concurrencyField.safeParse(text).data?.agents.defaults.maxConcurrent,
    };
  } catch {
    return {};
  }
}

/** Only a release that is known to read a JSON store gets a new one. */
function creationRefusal(stateDir: string, version: string | undefined): string | undefined {
  if (version === undefined) {
    return `${stateDir} has no login yet and does not say its OpenClaw's version: log in there once with OpenClaw itself`;
  }
  const parts = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  const order = parts ? compareVersions(parts, sqliteRelease) : undefined;
  if (order !== undefined && order < 0) return undefined;
  return `${stateDir} belongs to OpenClaw ${version}, which keeps its logins in SQLite: log in there once with OpenClaw itself`;
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (const [index, part] of b.entries()) {
    const difference = (a[index] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
}

function explainDatabase({ path, result }: { readonly path: string; readonly result: ProbeResult }): {
  readonly path: string;
  readonly reason: string;
} {
  const reason =
    typeof result === 'object'
      ? `${result.unreadable}, so nothing is written on this host`
      : 'OpenClaw keeps its logins in this SQLite database, which this release of authmesh does not write';
  return { path, reason };
}

function explainLeftover({ store }: AgentStore): { readonly path: string; readonly reason: string } {
  return { path: store, reason: 'an old store that OpenClaw no longer reads; `openclaw doctor --fix` takes it over' };
}
