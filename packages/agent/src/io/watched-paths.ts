import { basename, dirname, join, resolve, sep } from 'node:path';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { agentDatabase, sharedDatabase } from './formats/sqlite-schema.ts';
import { stateFileName } from './marks-beside.ts';
import type { StateDirectory, StorePlaces } from './state-directory.ts';
import { sharedFolder, storeFileName } from './store-discovery.ts';

/** Which paths of a host may hold stores, or lead to one. */
export interface WatchedPaths {
  /** The folders that everything else lies in. */
  readonly roots: readonly string[];
  /** The folders down to each agent's store, and the way to them. */
  readonly isOfInterest: (path: string) => boolean;
  /** The store that a file is, or is beside: OpenClaw's statistics, a database's write-ahead log. */
  readonly storeOf: (path: string) => StoreId | undefined;
  /** Whether a store lies in one of the roots: a delivery may create it, and end when its agent is watched no longer. */
  readonly holds: (store: string) => boolean;
}

/** The paths of these places. */
export function createWatchedPaths({ stateDirs, agentDir: relocated, tools = [] }: StorePlaces): WatchedPaths {
  const agentRoots = [...new Set(stateDirs.map(dir => join(resolve(dir), 'agents')))];
  const sharedRoots = [...new Set(stateDirs.map(dir => join(resolve(dir), sharedFolder)))];
  const agentDir = relocated === undefined ? undefined : resolve(relocated);
  const toolFiles = new Set(tools.map(({ file }) => resolve(file)));
  const toolRoots = [...toolFiles].map(file => dirname(file));
  const roots = [...agentRoots, ...sharedRoots, ...(agentDir === undefined ? [] : [agentDir]), ...toolRoots];

  function isOfInterest(path: string): boolean {
    if (toolFiles.has(path) || toolRoots.some(root => path === root || isInside(path, root))) return true;
    if (agentDir !== undefined) {
      if (path === agentDir || isInside(path, agentDir) || (dirname(path) === agentDir && isAgentFile(path)))
        return true;
    }
    for (const root of agentRoots) {
      if (path === root || isInside(path, root)) return true;
      if (!isInside(root, path)) continue;
      const [, folder, file, ...deeper] = path.slice(root.length + 1).split(sep);
      if (deeper.length > 0 || (folder !== undefined && folder !== 'agent')) return false;
      return file === undefined || isAgentFile(path);
    }
    for (const root of sharedRoots) {
      if (path === root || isInside(path, root)) return true;
      if (dirname(path) === root && storeOf(path)?.endsWith(sharedDatabase.fileName)) return true;
    }
    return false;
  }

  return {
    roots: [...new Set(roots)],
    isOfInterest,
    storeOf: path => (toolFiles.has(path) ? (path as StoreId) : storeOf(path)),
    holds: store => roots.some(root => isInside(root, store)),
  };
}

function storeOf(path: string): StoreId | undefined {
  const name = basename(path);
  if (name === stateFileName) return join(dirname(path), storeFileName) as StoreId;
  const store = name.endsWith(logSuffix) ? path.slice(0, -logSuffix.length) : path;
  return storeNames.has(basename(store)) ? (store as StoreId) : undefined;
}

const logSuffix = '-wal';
const storeNames: ReadonlySet<string> = new Set([storeFileName, agentDatabase.fileName, sharedDatabase.fileName]);

function isAgentFile(path: string): boolean {
  return storeOf(path) !== undefined && basename(path) !== sharedDatabase.fileName;
}

/** The state directory that a store belongs to. */
export function directoryOf(directories: readonly StateDirectory[], store: string): StateDirectory | undefined {
  return (
    directories.find(({ agents }) => agents.some(agent => agent.store === store)) ??
    directories.find(({ agentDir }) => agentDir !== undefined && isInside(agentDir, store)) ??
    directories.find(({ stateDir }) => isInside(stateDir, store))
  );
}

function isInside(directory: string, path: string): boolean {
  return path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}
