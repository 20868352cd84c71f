import { lstatSync, readFileSync } from 'node:fs';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { isAlive, isZombie, startedAfter, startTicks } from './process-liveness.ts';
import { errorCode } from './store-file.ts';

/** What stands at the path of a lock. */
export type Holder =
  | { readonly state: 'gone' }
  | { readonly state: 'stale'; readonly identity: string; readonly isDirectory: boolean }
  | { readonly state: 'live'; readonly pid?: number | undefined };

interface LockContent {
  readonly pid: number;
  readonly createdAt: number;
  /** In `startTicks` on Linux, from 2026.5.12 on at the latest; in other units elsewhere. */
  readonly starttime?: number | undefined;
}

/** What OpenClaw writes into a lock of its own; releases that know no `starttime` pass over it. */
export function lockContent(): string {
  return JSON.stringify({
    pid: process.pid,
    createdAt: new Date().toISOString(),
    starttime: startTicks(process.pid),
  });
}

/**
 * Whose a lock is. One that names a process is stale once that is gone, as in OpenClaw from 2026.5.12 on (releases
 * before that call one stale that is older than `staleMs`, whoever lives: what they hold that long is left to them).
 * One that names none is stale when it is older than `staleMs`. `isOurs` says whether this process holds it.
 */
export function inspectLock(path: string, staleMs: Milliseconds, isOurs: boolean): Holder {
  try {
    const stats = lstatSync(path, { bigint: true });
    const stale: Holder = {
      state: 'stale',
      identity: `${stats.ino}-${stats.mtimeNs}`,
      isDirectory: stats.isDirectory(),
    };
    const isOld = Date.now() - Number(stats.mtimeMs) > staleMs;
    const content = stats.isFile() ? parseLock(readFileSync(path, 'utf8')) : undefined;
    if (!content) return isOld ? stale : { state: 'live' };
    const { pid } = content;
    const isGone = pid === process.pid ? !isOurs : isDead(content) || (isOld && startedAfter(pid, content.createdAt));
    return isGone ? stale : { state: 'live', pid };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { state: 'gone' };
    if (errorCode(error) === 'EACCES') return { state: 'live' };
    throw error;
  }
}

function isDead({ pid, starttime }: LockContent): boolean {
  if (!isAlive(pid) || isZombie(pid)) return true;
  const ticks = startTicks(pid);
  return starttime !== undefined && ticks !== undefined && ticks !== starttime;
}

function parseLock(text: string): LockContent | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || typeof value.pid !== 'number')
      return undefined;
    const createdAt = 'createdAt' in value ? Date.parse(String(value.createdAt)) : Number.NaN;
    return {
      pid: value.pid,
      createdAt: Number.isNaN(createdAt) ? Number.POSITIVE_INFINITY : createdAt,
      starttime: 'starttime' in value && typeof value.starttime === 'number' ? value.starttime : undefined,
    };
  } catch {
    return undefined;
  }
}
