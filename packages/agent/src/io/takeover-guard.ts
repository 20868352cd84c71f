import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
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
export async function asOnlyTaker(directory: string, identity: string, take: () => Promise<boolean>): Promise<boolean> {
  for (let number = 0; number < guardsMax; number++) {
    const guard = guardPath(directory, identity, number);
    if (!(await createExclusively(guard, String(process.pid)))) {
      if (await isGuarded(guard)) return false;
      continue;
    }
    ownGuards.add(guard);
    try {
      return await take();
    } finally {
      for (let used = 0; used <= number; used++) {
        await unlink(guardPath(directory, identity, used)).catch(() => undefined);
      }
      ownGuards.delete(guard);
    }
  }
  return false;
}

function guardPath(directory: string, identity: string, number: number): string {
  return join(directory, `.authmesh-takeover-${identity}-${number}`);
}

async function isGuarded(guard: string): Promise<boolean> {
  const maker = Number(await readFile(guard, 'utf8').catch(() => ''));
  // Nothing in it: its maker is just writing, or it is gone again.
  if (maker === 0) return true;
  return maker === process.pid ? ownGuards.has(guard) : isAlive(maker);
}
