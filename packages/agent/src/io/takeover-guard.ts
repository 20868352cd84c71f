import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeQuietly } from './durable-file.ts';
import { createExclusively } from './exclusive-file.ts';
import { isAlive } from './process-liveness.ts';

/** A guard whose maker is dead is passed over; this many crashes in one and the same takeover are not. */
const guardsMax = 8;

const ownGuards = new Set<string>();

/**
 * Runs `take` for an abandoned lock in `directory`, for one process at a time. Each abandoned lock has guard files of
 * its own, named after `identity`; `take` must look again whether that lock still stands there before it removes it. A
 * guard left by a crash is passed over by creating the next one: its maker can't come back. False while it is
 * another's turn.
 */
export function asOnlyTaker(directory: string, identity: string, take: () => boolean): boolean {
  for (let number = 0; number < guardsMax; number++) {
    const guard = guardPath(directory, identity, number);
    if (!createExclusively(guard, String(process.pid))) {
      if (isGuarded(guard)) return false;
      continue;
    }
    ownGuards.add(guard);
    try {
      return take();
    } finally {
      for (let used = 0; used <= number; used++) {
        removeQuietly(guardPath(directory, identity, used));
      }
      ownGuards.delete(guard);
    }
  }
  return false;
}

function guardPath(directory: string, identity: string, number: number): string {
  return join(directory, `.authmesh-takeover-${identity}-${number}`);
}

function isGuarded(guard: string): boolean {
  let maker = 0;
  try {
    maker = Number(readFileSync(guard, 'utf8'));
  } catch {
    // It is gone: somebody has just finished.
  }
  // Nothing in it: its maker is just writing.
  if (maker === 0) return true;
  return maker === process.pid ? ownGuards.has(guard) : isAlive(maker);
}
