import { basename, dirname, join } from 'node:path';
import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import { watch } from 'chokidar';
import type { ParsedStore, ReadContext } from './auth-profiles.ts';
import type { StateDirectory, StorePlaces } from './state-directory.ts';
import { createStoreDiscovery, storeFileName } from './store-discovery.ts';
import { createStoreReader, type StoreReader } from './store-reader.ts';
import { createWatchedPaths, directoryOf } from './watched-paths.ts';

export interface StoreWatcherOptions {
  readonly places: StorePlaces;
  readonly context: () => ReadContext;
  /** A store appeared, changed in what matters, or went; also the answer to `reread`. */
  readonly onStore: (store: StoreId, parsed: ParsedStore) => void;
  /** Told at the start, and when what the discovery finds has changed. */
  readonly onDirectories?: ((directories: readonly StateDirectory[]) => void) | undefined;
  /** Watching itself has trouble; the rescan goes on. */
  readonly onTrouble?: ((sentence: string) => void) | undefined;
  /** How often everything is looked at, whatever the watching says. */
  readonly rescanMs?: Milliseconds | undefined;
  /** How long after the last event a store is read once more. */
  readonly settleMs?: Milliseconds | undefined;
}

export interface StoreWatcher {
  /** Reads a store that is watched now and reports it, changed or not; nothing of any other. */
  readonly reread: (store: StoreId) => void;
  /** Takes what a delivery read back, so that its own write is reported once. */
  readonly accept: (store: StoreId, parsed: ParsedStore, delivered: readonly ProfileId[]) => void;
  /** Runs a delivery while the store is not read: its write is first seen by its own reading back. */
  readonly during: <Result>(store: StoreId, work: () => Promise<Result>) => Promise<Result>;
  /** Looks at everything by content: after sleep, a change of the clock, SIGHUP. */
  readonly rescan: () => Promise<void>;
  readonly directories: () => readonly StateDirectory[];
  /** When a store was last looked at, by the wall clock. */
  readonly lookedAt: (store: StoreId) => Instant | undefined;
  readonly close: () => Promise<void>;
}

const rescanMsDefault: Milliseconds = 30 * second;
const settleMsDefault: Milliseconds = 60;
/** Every so many rescans the contents are read, not only the signatures. */
const rescansPerFullRead = 10;

/**
 * Watches the stores of all agents under the state directories. Folders are watched, not files (a file's watch dies
 * with its rename); each event leads to a read at once and another one when the burst is over; a slow rescan stands
 * behind it all. Resolves when every store that is there was reported once.
 */
export async function createStoreWatcher(options: StoreWatcherOptions): Promise<StoreWatcher> {
  const settleMs = options.settleMs ?? settleMsDefault;
  const discovery = createStoreDiscovery(options.places);
  const watched = createWatchedPaths(options.places);
  const readers = new Map<StoreId, StoreReader>();
  /** Stores by the file that they link to elsewhere. */
  const followed = new Map<string, Set<StoreId>>();
  let directories: readonly StateDirectory[] = [];
  let isClosed = false;
  let rescans = 0;

  const watcher = watch([...watched.roots], {
    ignoreInitial: true,
    followSymlinks: false,
    atomic: false,
    ignored: path => !followed.has(path) && !watched.isOfInterest(path),
  });
  watcher.on('raw', (_event, path, details) => {
    const folder = watchedPathOf(details);
    if (path && folder) touched(basename(folder) === basename(path) ? folder : join(folder, path));
  });
  watcher.on('all', (event, path) => {
    touched(path);
    if (event === 'addDir' || event === 'unlinkDir') lookSoon();
  });
  // What happened between the first look and the first watch has no event.
  watcher.on('ready', lookSoon);
  watcher.on('error', error => {
    const name = error instanceof Error ? error.name : 'unknown';
    options.onTrouble?.(`watching ${watched.roots.join(', ')} failed (${name}); the stores are looked at every rescan`);
  });

  function touched(path: string): void {
    for (const one of followed.get(path) ?? []) readers.get(one)?.touch();
    const store = watched.storeOf(path);
    const reader = store && readers.get(store);
    if (reader) reader.touch();
    else if (store) lookSoon();
  }

  let looks: Promise<void> = Promise.resolve();
  let isLookQueued = false;
  function lookSoon(): void {
    if (isLookQueued || isClosed) return;
    isLookQueued = true;
    looks = looks.then(async () => {
      isLookQueued = false;
      await look(false);
    });
  }

  function readerOf(store: StoreId): StoreReader {
    const known = readers.get(store);
    if (known) return known;
    const reader = createStoreReader(store, {
      context: options.context,
      settleMs,
      onChange: parsed => options.onStore(store, parsed),
      onTarget: target => follow(store, target),
    });
    readers.set(store, reader);
    return reader;
  }

  function follow(store: StoreId, target: string): void {
    if (target === store || (dirname(target) === dirname(store) && watched.isOfInterest(target))) return;
    const stores = followed.get(target);
    if (stores) {
      stores.add(store);
      return;
    }
    const those = new Set([store]);
    // A database’s new rows stand in its log first.
    for (const path of [target, `${target}-wal`]) {
      followed.set(path, those);
      watcher.add(path);
    }
  }

  async function look(isFull: boolean): Promise<void> {
    const found = await discovery.look();
    if (isClosed) return;
    const offered = new Set<StoreId>();
    for (const { agents } of found) for (const { store, isPresent } of agents) if (isPresent) offered.add(store);
    const reads: Promise<void>[] = [];
    for (const store of offered) reads.push(readerOf(store).look(isFull));
    for (const [store, reader] of readers) {
      if (offered.has(store)) continue;
      reads.push(reader.look(isFull, refusalOf(found, store)));
    }
    await Promise.all(reads);
    if (!isClosed && JSON.stringify(found) !== JSON.stringify(directories)) {
      directories = found;
      options.onDirectories?.(found);
    }
  }

  await look(true);
  const timer = setInterval(() => {
    rescans++;
    void look(rescans % rescansPerFullRead === 0);
  }, options.rescanMs ?? rescanMsDefault);

  return {
    reread: store => void readers.get(store)?.report(),
    accept: (store, parsed, delivered) => {
      if (watched.holds(store)) readerOf(store).accept(parsed, delivered);
    },
    during: (store, work) => (watched.holds(store) ? readerOf(store).during(work) : work()),
    rescan: () => look(true),
    directories: () => directories,
    lookedAt: store => readers.get(store)?.lookedAt(),
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      for (const reader of readers.values()) reader.close();
      await watcher.close();
    },
  };
}

/** Why a file that was watched is no longer offered: its host's logins are in a database by now. */
function refusalOf(found: readonly StateDirectory[], store: StoreId): string | undefined {
  const directory = directoryOf(found, store);
  if (basename(store) !== storeFileName || !directory || directory.agents.some(agent => agent.store === store))
    return undefined;
  const [elsewhere] = directory.agents.filter(({ isPresent }) => isPresent);
  const place = elsewhere?.store ?? directory.foreign[0]?.path;
  return place === undefined ? undefined : `its host's OpenClaw keeps logins elsewhere now: ${place}`;
}

function watchedPathOf(details: unknown): string | undefined {
  const path =
    typeof details === 'object' && details !== null && 'watchedPath' in details ? details.watchedPath : undefined;
  return typeof path === 'string' ? path : undefined;
}
