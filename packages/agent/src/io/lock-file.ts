import { chownSync, readFileSync, renameSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { systemReason } from '@authmesh/shared/node/errors';
import { removeQuietly, tempPath } from './durable-file.ts';
import { createExclusively } from './exclusive-file.ts';
import { type Holder, inspectLock, lockContent } from './lock-holder.ts';
import { isMissing } from './store-file.ts';
import { asOnlyTaker } from './takeover-guard.ts';

/*
 * A lock file in OpenClaw's form: created exclusively, it holds `{"pid", "createdAt", "starttime"}`, and goes with its
 * holder. Whoever finds one whose process is gone removes it.
 */

export interface LockHold {
  readonly state: 'held';
  readonly release: () => void;
  /** Whether nobody has taken it away. */
  readonly isHeld: () => boolean;
}

export type LockFileOutcome = LockHold | LockMiss;

export type LockMiss =
  | { readonly state: 'locked'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string };

export interface LockFileOptions {
  /** Of `Date.now()`: at least one attempt is made. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  /** Older than this, a lock that names no process is abandoned. */
  readonly staleMs: Milliseconds;
  /** It may be held for long: it is made young again from time to time, and this process's deliveries go on under it. */
  readonly isLong?: boolean | undefined;
}

/** Well within the 30 s after which releases up to 2026.4.20 take a store's lock for abandoned, whoever lives. */
const renewMs: Milliseconds = 5 * second;
/** A lock that was not renewed for so long may be another's the next moment. */
const renewableMs: Milliseconds = 20 * second;

interface Held {
  content: string;
  renewedAt: number;
  readonly timer: NodeJS.Timeout | undefined;
  /** A delivery of this process is going on under it. */
  isBorrowed: boolean;
  isReleased: boolean;
}

/** Locks this process holds: its own process id in any other lock is a former process's. */
const heldHere = new Map<string, Held>();

/** Takes the lock at `path`, whose folder is named without symbolic links; never throws. */
export async function acquireLockFile(path: string, options: LockFileOptions): Promise<LockFileOutcome> {
  const { deadline, signal } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      const hold = (options.isLong ? undefined : borrow(path)) ?? create(path, options);
      if (hold) return hold;
      const holder = inspectLock(path, options.staleMs, heldHere.has(path));
      if (holder.state === 'gone') continue;
      if (holder.state === 'stale' && removeAbandoned(path, holder.identity, options)) continue;
      if (Date.now() >= deadline || signal?.aborted) return { state: 'locked', reason: lockedBy(path, holder) };
    } catch (error) {
      return { state: 'failed', reason: `the lock ${path} cannot be made: ${systemReason(error)}` };
    }
    const pauseMs =
      Math.min(10 * 2 ** Math.min(attempt, 4), Math.max(1, deadline - Date.now())) * (0.5 + Math.random());
    await delay(pauseMs, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}

/** Takes all of them, in this order, or none. */
export async function acquireLockFiles(
  locks: readonly { readonly path: string; readonly options: LockFileOptions }[],
): Promise<LockFileOutcome> {
  const holds: LockHold[] = [];
  const release = (): void => {
    for (const hold of holds.toReversed()) hold.release();
  };
  for (const { path, options } of locks) {
    const outcome = await acquireLockFile(path, options);
    if (outcome.state !== 'held') {
      release();
      return outcome;
    }
    holds.push(outcome);
  }
  return { state: 'held', release, isHeld: () => holds.every(hold => hold.isHeld()) };
}

/** The lock once it is ours; undefined while something stands there. */
function create(path: string, { isLong }: LockFileOptions): LockHold | undefined {
  const content = lockContent();
  if (!createExclusively(path, content)) return undefined;
  try {
    giveToOwnerOf(dirname(path), path);
  } catch (error) {
    removeQuietly(path);
    throw error;
  }
  const timer = isLong ? setInterval(() => renew(path, held), renewMs).unref() : undefined;
  const held: Held = { content, renewedAt: Date.now(), timer, isBorrowed: false, isReleased: false };
  heldHere.set(path, held);
  const release = (): void => {
    if (held.isReleased) return;
    held.isReleased = true;
    if (!held.isBorrowed) remove(path, held);
  };
  return { state: 'held', release, isHeld: () => !held.isReleased && stands(path, held) };
}

/** Root's agent must leave nothing behind that OpenClaw's own user could not read. */
export function giveToOwnerOf(folder: string, path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  if (uid !== 0) chownSync(path, uid, gid);
}

/** A long hold of this process keeps OpenClaw out for its deliveries too, one at a time. */
function borrow(path: string): LockHold | undefined {
  const held = heldHere.get(path);
  if (!held?.timer || held.isBorrowed || held.isReleased || !stands(path, held)) return undefined;
  held.isBorrowed = true;
  let isReturned = false;
  const release = (): void => {
    if (isReturned) return;
    isReturned = true;
    held.isBorrowed = false;
    if (held.isReleased) remove(path, held);
  };
  return { state: 'held', release, isHeld: () => !isReturned && stands(path, held) };
}

function remove(path: string, held: Held): void {
  clearInterval(held.timer);
  if (heldHere.get(path) === held) heldHere.delete(path);
  removeOwn(path, held);
}

/** Somebody who took it for abandoned may hold it by now. Where the disk takes no changes, it is tried again: we live on. */
function removeOwn(path: string, held: Held): void {
  if (!stands(path, held)) return;
  removeQuietly(path);
  if (stands(path, held)) setTimeout(removeOwn, renewMs, path, held).unref();
}

function stands(path: string, { content }: Held): boolean {
  try {
    return readFileSync(path, 'utf8') === content;
  } catch {
    return false;
  }
}

/** Makes a held lock young again. One that is not ours any more, or nearly so old that it could be, is left as it is. */
function renew(path: string, held: Held): void {
  if (Date.now() - held.renewedAt > renewableMs || !stands(path, held)) return;
  const temp = tempPath(dirname(path));
  const content = lockContent();
  try {
    writeFileSync(temp, content, { flag: 'wx', mode: 0o600 });
    giveToOwnerOf(dirname(path), temp);
    renameSync(temp, path);
    held.content = content;
    held.renewedAt = Date.now();
  } catch {
    // It stands as it was, and is tried again.
    removeQuietly(temp);
  }
}

/** Removes an abandoned lock, once, however many have found it; false when it was another's turn. */
function removeAbandoned(path: string, identity: string, { staleMs }: LockFileOptions): boolean {
  // OpenClaw from 2026.8.2 on guards its own removal by a folder of this name.
  if (!isMissing(`${path}.reclaim`)) return false;
  return asOnlyTaker(dirname(path), identity, () => {
    const again = inspectLock(path, staleMs, heldHere.has(path));
    if (again.state !== 'stale' || again.identity !== identity) return false;
    // 2026.2.12's form is an empty directory.
    if (again.isDirectory) rmdirSync(path);
    else unlinkSync(path);
    return true;
  });
}

function lockedBy(path: string, holder: Holder): string {
  const pid = holder.state === 'live' ? holder.pid : undefined;
  const who = pid === process.pid ? 'this agent itself' : pid === undefined ? 'another process' : `process ${pid}`;
  return `${who} holds the lock ${path}; it is tried again, and a lock whose process is gone is removed by itself`;
}
