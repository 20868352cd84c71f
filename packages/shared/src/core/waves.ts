import type { Milliseconds } from './time.ts';

/** How many sessions come back in each wave, and how long it takes until all are back. */
export interface WavePlan {
  readonly waves: readonly number[];
  readonly totalMs: Milliseconds;
}

/**
 * The ramp of a recovery when all goes well: one canary, then twice as many a wave, up to the limit
 * (`field/staggering.md` 3 and 4). Each wave takes one settle time.
 */
export function planWaves(sessions: number, limit: number, settleMs: Milliseconds): WavePlan {
  const waves: number[] = [];
  let left = sessions;
  for (let size = 1; left > 0; size = nextLimit(size, limit, limit)) {
    const wave = Math.min(size, left);
    waves.push(wave);
    left -= wave;
  }
  return { waves, totalMs: waves.length * settleMs };
}

/** The live limit after a wave that went well: doubled up to the last limit that is known to hold, then one more. */
export function nextLimit(live: number, held: number, limit: number): number {
  return Math.min(limit, live < held ? Math.min(held, live * 2) : live + 1);
}
