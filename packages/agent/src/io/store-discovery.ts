import { type Stats, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, minute } from '@authmesh/shared/core/time';
import { type Database, databaseStores, explainUnreadable } from './database-stores.ts';
import {
  creationRefusal,
  holdRefusal,
  isRemembering,
  openaiNameOf,
  readOpenclawConfig,
} from './formats/openclaw-config.ts';
import { agentDatabase, sharedDatabase } from './formats/sqlite-schema.ts';
import { type ProbeResult, probeAgentDatabase, probeSharedState } from './sqlite-probe.ts';
import type { AgentStore, StateDirectory, StorePlaces } from './state-directory.ts';
import { errorCode } from './store-file.ts';
import { toolDirectory } from './tool-places.ts';

export const storeFileName = 'auth-profiles.json';
/** The folder of the shared database under a state directory. */
export const sharedFolder = 'state';
/** A database is probed again when it was replaced, or after this time when it was written. */
const probeMs: Milliseconds = 5 * minute;
const agentsMax = 1_000;

export interface StoreDiscovery {
  /** Looks at every place; cheap enough for every rescan. */
  readonly look: () => Promise<readonly StateDirectory[]>;
}

interface Probed {
  readonly inode: number;
  /** Of the database and of its write-ahead log, where new rows stand first. */
  readonly state: string;
  readonly at: number;
  readonly result: ProbeResult;
}

/** Finds the stores in these places, agents that appear later among them. */
export function createStoreDiscovery(places: StorePlaces, now: () => number = Date.now): StoreDiscovery {
  const probed = new Map<string, Probed>();

  function examine(path: string, probe: (path: string) => ProbeResult): ProbeResult | undefined {
    const stats = statsOf(path);
    if (!stats?.isFile()) {
      probed.delete(path);
      return undefined;
    }
    const known = probed.get(path);
    const log = statsOf(`${path}-wal`);
    const state = [stats.mtimeMs, stats.size, log?.mtimeMs, log?.size].join(' ');
    const isKnown = known?.inode === stats.ino && (known.state === state || known.result === 'logins');
    if (isKnown && now() - known.at < probeMs) return known.result;
    const result = stats.size === 0 ? 'no-logins' : probe(path);
    // What cannot be read now may be at the next look, and no time of the file shows it.
    if (typeof result === 'object') return known?.inode === stats.ino ? known.result : result;
    probed.set(path, { inode: stats.ino, state, at: now(), result });
    return result;
  }

  async function lookAt(stateDir: string, agentDir: string | undefined): Promise<StateDirectory> {
    const agentDirs = await agentsOf(stateDir, agentDir);
    const shared = join(stateDir, sharedFolder, sharedDatabase.fileName);
    const databases: Database[] = [{ id: 'main', path: shared, result: examine(shared, probeSharedState) }];
    const agents: AgentStore[] = [];
    let hasStateFile = false;
    for (const { id, directory } of agentDirs) {
      const database = join(directory, agentDatabase.fileName);
      databases.push({ id, path: database, result: examine(database, probeAgentDatabase) });
      const store = join(directory, storeFileName) as StoreId;
      agents.push({ id, store, isPresent: exists(store) });
      hasStateFile ||= exists(join(directory, 'auth-state.json'));
    }
    const { openclawVersion, concurrentMax } = await readOpenclawConfig(stateDir);
    const present = agents.filter(agent => agent.isPresent);
    const unreadable = databases.flatMap(explainUnreadable);
    const isShared = databases[0]?.result === 'logins';
    if (unreadable.length > 0 || databases.some(({ result }) => result === 'logins')) {
      const foreign = [...unreadable, ...present.map(explainLeftover)];
      const noCreation = `${stateDir} keeps its logins in SQLite: log in there once with OpenClaw itself`;
      const noHold = `OpenClaw under ${stateDir} reads its marks at its start, and does not see them lifted`;
      const stores = databaseStores(databases);
      const generation = stores.length === 0 ? 'unknown' : isShared ? 'sqlite-shared' : 'sqlite';
      const gatewaySees = isShared ? 'logins' : 'nothing';
      const places = { stateDir, agentDir, generation, gatewaySees, agents: stores, foreign } as const;
      return { ...places, openclawVersion, concurrentMax, noHold, openaiName: 'openai', noCreation };
    }
    const generation = present.length === 0 ? 'none' : hasStateFile ? 'json-with-state' : 'json';
    const noCreation = present.length > 0 ? undefined : creationRefusal(stateDir, openclawVersion);
    const noHold = holdRefusal(stateDir, hasStateFile, openclawVersion);
    const gatewaySees = hasStateFile || isRemembering(openclawVersion) ? 'nothing' : 'all';
    const found = { stateDir, agentDir, generation, gatewaySees, agents, foreign: [], openclawVersion } as const;
    return { ...found, concurrentMax, noHold, openaiName: openaiNameOf(openclawVersion), noCreation };
  }

  const stateDirs = [...new Set(places.stateDirs.map(dir => resolve(dir)))];
  const agentDir = places.agentDir === undefined ? undefined : resolve(places.agentDir);
  return {
    look: () =>
      Promise.all([
        ...stateDirs.map((dir, index) => lookAt(dir, index === 0 ? agentDir : undefined)),
        ...(places.tools ?? []).map(place => toolDirectory(place, exists(place.file))),
      ]),
  };
}

interface AgentDirectory {
  readonly id: string;
  readonly directory: string;
}

/**
 * Directories `agents/<id>/agent`, of the agents that have one. The main agent's own place comes first; the one that it
 * would have by default stays, for parts of OpenClaw go by the agent's id alone.
 */
async function agentsOf(stateDir: string, agentDir: string | undefined): Promise<readonly AgentDirectory[]> {
  const root = join(stateDir, 'agents');
  const names = await readdir(root).catch((): string[] => []);
  const places = names
    .toSorted()
    .slice(0, agentsMax)
    .map(id => ({ id, directory: join(root, id, 'agent') }));
  const all = agentDir === undefined ? places : [{ id: 'main', directory: agentDir }, ...places];
  return all.filter(
    ({ directory }, index) => !(index > 0 && directory === agentDir) && statsOf(directory)?.isDirectory() === true,
  );
}

/**
 * What stands there, links followed; undefined where that cannot be told. Synchronous, for the same calls through the thread
 * pool cost an idle agent most of its rescan.
 */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Whether anything has the name: a loop of links and a directory are shown as the trouble they are. */
function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR';
  }
}

function explainLeftover({ store }: AgentStore): { readonly path: string; readonly reason: string } {
  return { path: store, reason: 'an old store that OpenClaw no longer reads; `openclaw doctor --fix` takes it over' };
}
