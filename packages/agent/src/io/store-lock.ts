import { lstat, readFile, realpath, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { createExclusively } from './exclusive-file.ts';
import { isAlive, startedAfter } from './process-liveness.ts';
import { errorCode } from './store-file.ts';
import { asOnlyTaker } from './takeover-guard.ts';

/**
 * OpenClaw's lock of a JSON store, in the form that every release of that era respects: a file `<store>.lock`, created
 * exclusively, that holds `{"pid", "createdAt"}`. 2026.2.12's own form, a directory of that name, is respected too.
 * Hold it well under 30 s: 2026.2.17 takes an older one for abandoned, whoever holds it.
 */

/** Older than this, a lock that names no process is abandoned (OpenClaw's own figure). */
export const lockStaleMs: Milliseconds = 30 * second;
/** How long a delivery waits; OpenClaw holds its lock for milliseconds, or through one refresh. */
export const lockWaitMs: Milliseconds = 10 * second;

export type LockOutcome =
  | { readonly state: 'held'; readonly release: () => Promise<void> }
  | { readonly state: 'locked'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string };

export interface LockOptions {
  readonly waitMs?: Milliseconds | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Locks this process holds: its own process id in any other lock is a former process's. */
const heldHere = new Set<string>();

/**
 * Takes the lock of `store`. Where the store is a symbolic link, releases differ in which of the two paths they lock:
 * both are taken, the link's first.
 */
export async function acquireStoreLock(store: string, options: LockOptions = {}): Promise<LockOutcome> {
  const deadline = Date.now() + (options.waitMs ?? lockWaitMs);
  const releases: (() => Promise<void>)[] = [];
  const release = async (): Promise<void> => {
    for (const one of releases.toReversed()) await one();
  };
  for (const path of await lockPaths(store)) {
    const outcome = await acquire(path, deadline, options.signal);
    if (outcome.state !== 'held') {
      await release();
      return outcome;
    }
    releases.push(outcome.release);
  }
  return { state: 'held', release };
}

async function lockPaths(store: string): Promise<readonly string[]> {
  const directory = await realpath(dirname(store)).catch(() => dirname(store));
  const named = join(directory, basename(store));
  const target = await realpath(store).catch(() => named);
  return [...new Set([`${named}.lock`, `${target}.lock`])];
}

async function acquire(path: string, deadline: number, signal: AbortSignal | undefined): Promise<LockOutcome> {
  for (let attempt = 0; ; attempt++) {
    try {
      const content = await create(path);
      if (content !== undefined) return { state: 'held', release: () => release(path, content) };
      const holder = await inspectLock(path);
      if (holder.state === 'gone') continue;
      if (holder.state === 'stale' && (await removeAbandoned(path, holder.identity))) continue;
      if (Date.now() >= deadline || signal?.aborted) return { state: 'locked', reason: lockedBy(path, holder) };
    } catch (error) {
      return { state: 'failed', reason: `the lock ${path} cannot be made (${errorCode(error)})` };
    }
    const pauseMs =
      Math.min(10 * 2 ** Math.min(attempt, 4), Math.max(1, deadline - Date.now())) * (0.5 + Math.random());
    await delay(pauseMs, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}

/** The lock's content once it is ours; undefined while something stands there. */
async function create(path: string): Promise<string | undefined> {
  const content = JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() });
  if (!(await createExclusively(path, content))) return undefined;
  heldHere.add(path);
  return content;
}

async function release(path: string, content: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined);
  // Somebody who took it for abandoned may hold it by now.
  if (found === content) await unlink(path).catch(() => undefined);
  heldHere.delete(path);
}

type Holder =
  | { readonly state: 'gone' }
  | { readonly state: 'stale'; readonly identity: string }
  | { readonly state: 'live'; readonly pid?: number | undefined };

async function inspectLock(path: string): Promise<Holder> {
  try {
    const stats = await lstat(path, { bigint: true });
    const identity = `${stats.ino}-${stats.mtimeNs}`;
    const isOld = Date.now() - Number(stats.mtimeMs) > lockStaleMs;
    const content = stats.isFile() ? parseLock(await readFile(path, 'utf8')) : undefined;
    if (!content) return isOld ? { state: 'stale', identity } : { state: 'live' };
    const { pid, createdAt } = content;
    const isGone = pid === process.pid ? !heldHere.has(path) : !isAlive(pid) || (isOld && startedAfter(pid, createdAt));
    return isGone ? { state: 'stale', identity } : { state: 'live', pid };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { state: 'gone' };
    if (errorCode(error) === 'EACCES') return { state: 'live' };
    throw error;
  }
}

function parseLock(text: string): { readonly pid: number; readonly createdAt: number } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || typeof value.pid !== 'number')
      return undefined;
    const createdAt = 'createdAt' in value ? Date.parse(String(value.createdAt)) : Number.NaN;
    return { pid: value.pid, createdAt: Number.isNaN(createdAt) ? Number.POSITIVE_INFINITY : createdAt };
  } catch {
    return undefined;
  }
}

/** Removes an abandoned lock, once, however many have found it; false when it was another's turn. */
async function removeAbandoned(path: string, identity: string): Promise<boolean> {
  return await asOnlyTaker(dirname(path), identity, async () => {
    const again = await inspectLock(path);
    if (again.state !== 'stale' || again.identity !== identity) return false;
    await unlink(path).catch(async error => {
      // 2026.2.12's form is an empty directory.
      if (errorCode(error) !== 'EISDIR' && errorCode(error) !== 'EPERM') throw error;
      await rmdir(path);
    });
    return true;
  });
}

function lockedBy(path: string, holder: Holder): string {
  const who = holder.state === 'live' && holder.pid !== undefined ? `process ${holder.pid}` : 'another process';
  return `${who} holds the lock ${path}; it is tried again, and a lock whose process is gone is removed by itself`;
}
