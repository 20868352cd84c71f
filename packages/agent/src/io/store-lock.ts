import { lstatSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { removeQuietly } from './durable-file.ts';
import { createExclusively } from './exclusive-file.ts';
import { isAlive, startedAfter } from './process-liveness.ts';
import { errorCode, locate } from './store-file.ts';
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
  | { readonly state: 'held'; readonly release: () => void }
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
  const releases: (() => void)[] = [];
  const release = (): void => {
    for (const one of releases.toReversed()) one();
  };
  for (const path of lockPaths(store)) {
    const outcome = await acquire(path, deadline, options.signal);
    if (outcome.state !== 'held') {
      release();
      return outcome;
    }
    releases.push(outcome.release);
  }
  return { state: 'held', release };
}

function lockPaths(store: string): readonly string[] {
  const named = join(locate(dirname(store)), basename(store));
  return [...new Set([`${named}.lock`, `${locate(store)}.lock`])];
}

async function acquire(path: string, deadline: number, signal: AbortSignal | undefined): Promise<LockOutcome> {
  for (let attempt = 0; ; attempt++) {
    try {
      const content = create(path);
      if (content !== undefined) return { state: 'held', release: () => release(path, content) };
      const holder = inspectLock(path);
      if (holder.state === 'gone') continue;
      if (holder.state === 'stale' && removeAbandoned(path, holder.identity)) continue;
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
function create(path: string): string | undefined {
  const content = JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() });
  if (!createExclusively(path, content)) return undefined;
  heldHere.add(path);
  return content;
}

function release(path: string, content: string): void {
  heldHere.delete(path);
  try {
    // Somebody who took it for abandoned may hold it by now.
    if (readFileSync(path, 'utf8') !== content) return;
  } catch {
    return;
  }
  removeQuietly(path);
}

type Holder =
  | { readonly state: 'gone' }
  | { readonly state: 'stale'; readonly identity: string; readonly isDirectory: boolean }
  | { readonly state: 'live'; readonly pid?: number | undefined };

function inspectLock(path: string): Holder {
  try {
    const stats = lstatSync(path, { bigint: true });
    const stale: Holder = {
      state: 'stale',
      identity: `${stats.ino}-${stats.mtimeNs}`,
      isDirectory: stats.isDirectory(),
    };
    const isOld = Date.now() - Number(stats.mtimeMs) > lockStaleMs;
    const content = stats.isFile() ? parseLock(readFileSync(path, 'utf8')) : undefined;
    if (!content) return isOld ? stale : { state: 'live' };
    const { pid, createdAt } = content;
    const isGone = pid === process.pid ? !heldHere.has(path) : !isAlive(pid) || (isOld && startedAfter(pid, createdAt));
    return isGone ? stale : { state: 'live', pid };
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
function removeAbandoned(path: string, identity: string): boolean {
  return asOnlyTaker(dirname(path), identity, () => {
    const again = inspectLock(path);
    if (again.state !== 'stale' || again.identity !== identity) return false;
    // 2026.2.12's form is an empty directory.
    if (again.isDirectory) rmdirSync(path);
    else unlinkSync(path);
    return true;
  });
}

function lockedBy(path: string, holder: Holder): string {
  const who = holder.state === 'live' && holder.pid !== undefined ? `process ${holder.pid}` : 'another process';
  return `${who} holds the lock ${path}; it is tried again, and a lock whose process is gone is removed by itself`;
}
