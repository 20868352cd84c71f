import { basename } from 'node:path';
import { type FitnessState, fitnessOf } from '@authmesh/agent/core/fitness';
import type { AgentState, Copy } from '@authmesh/agent/core/state';
import { type CopyKey, copyKey, type StoreId } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, never } from '@authmesh/shared/core/time';
import type { DiskState } from './disk-state.ts';
import type { StateDirectory } from './state-directory.ts';
import { storeFileName } from './store-discovery.ts';
import { directoryOf } from './watched-paths.ts';

/** One profile of one store as a process that starts would find it. */
export interface CheckedProfile {
  readonly store: string;
  /** Empty: the store cannot be read, and what was in it is not known. */
  readonly profile: string;
  readonly state: FitnessState;
  /** ISO time; null: it does not end, or that is not known. */
  readonly expiresAt: string | null;
  readonly reason: string;
}

/** Copies that are in line to be healed, with the reason for the operator. */
export type InLine = ReadonlyMap<CopyKey, string>;

/** What `check` finds. */
export interface RestartCheck {
  readonly safe: boolean;
  readonly profiles: readonly CheckedProfile[];
}

/** Judges every profile on disk; one that is in line to be healed after the start is safe. */
export function checkRestart(disk: DiskState, at: Instant, lifeMsMin: Milliseconds, inLine: InLine): RestartCheck {
  const { state, directories } = disk;
  const profiles: CheckedProfile[] = [];
  const known = new Set<StoreId>();
  let safe = true;
  for (const [key, copy] of state.copies) {
    if (!copy.seen && isForgotten(state, copy, directories)) continue;
    const fitness = fitnessOf(state, copy, at, lifeMsMin);
    if (!fitness) continue;
    known.add(copy.store);
    const { store, profile, seen } = copy;
    const turn = fitness.state === 'usable' ? undefined : inLine.get(key);
    safe &&= fitness.state === 'usable' || turn !== undefined;
    const reason = turn === undefined ? fitness.reason : `${fitness.reason}; ${turn}`;
    profiles.push({ store, profile, state: fitness.state, expiresAt: iso(seen?.expiresAt), reason });
  }
  for (const unread of [...unreadStores(state, known), ...foreignStores(directories)]) {
    safe = false;
    profiles.push({ ...unread, profile: '', state: 'unreadable', expiresAt: null });
  }
  const order = ({ store, profile }: CheckedProfile) => copyKey(store as StoreId, profile as Copy['profile']);
  return { safe, profiles: profiles.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)) };
}

/** An agent that was removed with its folder takes its logins with it; a folder of state without any agent is a loss. */
function isForgotten(state: AgentState, { store }: Copy, directories: readonly StateDirectory[]): boolean {
  if (state.stores.get(store)?.state === 'quarantined') return false;
  const directory = directoryOf(directories, store);
  // A tool's owner has logged out there.
  if (directory?.tool !== undefined) return true;
  if (!directory || directory.generation === 'sqlite' || directory.generation === 'unknown') return true;
  return directory.agents.length > 0 && !directory.agents.some(agent => agent.store === store);
}

interface Unread {
  readonly store: string;
  readonly reason: string;
}

function unreadStores({ stores }: AgentState, known: ReadonlySet<StoreId>): Unread[] {
  return [...stores].flatMap(([store, { state, reason = 'it cannot be understood' }]) =>
    state === 'quarantined' && !known.has(store) ? [{ store, reason }] : [],
  );
}

/** Databases of logins; a file that OpenClaw does not read any more stops nobody. */
function foreignStores(directories: readonly StateDirectory[]): Unread[] {
  return directories.flatMap(({ foreign }) =>
    foreign.flatMap(({ path, reason }) => (basename(path) === storeFileName ? [] : [{ store: path, reason }])),
  );
}

function iso(instant: Instant | null | undefined): string | null {
  return instant === null || instant === undefined ? null : new Date(Math.min(instant, never)).toISOString();
}
