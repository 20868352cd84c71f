import { basename, dirname, join } from 'node:path';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { acquireLockFiles, type LockMiss } from './lock-file.ts';
import { locate } from './store-file.ts';

/**
 * OpenClaw's lock of a JSON store, in the form that every release of that era respects: a file `<store>.lock`, created
 * exclusively, that names its process. 2026.2.12's own form, a directory of that name, is respected too.
 * Hold it well under 30 s: 2026.2.17 takes an older one for abandoned, whoever holds it.
 */

export type LockOutcome = { readonly state: 'held'; readonly release: () => void } | LockMiss;

/** Older than this, a lock that names no process is abandoned (OpenClaw's own figure). */
export const lockStaleMs: Milliseconds = 30 * second;
/** How long a delivery waits; OpenClaw holds its lock for milliseconds, or through one refresh. */
export const lockWaitMs: Milliseconds = 10 * second;

export interface LockOptions {
  readonly waitMs?: Milliseconds | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes the lock of `store`. Where the store is a symbolic link, releases differ in which of the two paths they lock:
 * both are taken, the link's first.
 */
export async function acquireStoreLock(store: string, { waitMs, signal }: LockOptions = {}): Promise<LockOutcome> {
  const options = { deadline: Date.now() + (waitMs ?? lockWaitMs), signal, staleMs: lockStaleMs };
  return acquireLockFiles(storeLockPaths(store).map(path => ({ path, options })));
}

export function storeLockPaths(store: string): readonly string[] {
  const named = join(locate(dirname(store)), basename(store));
  return [...new Set([`${named}.lock`, `${locate(store)}.lock`])];
}
