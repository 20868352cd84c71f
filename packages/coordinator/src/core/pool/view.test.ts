import type { NodeId } from '@authmesh/shared/core/identifiers';
import { minute, second } from '@authmesh/shared/core/time';
import { planWaves } from '@authmesh/shared/core/waves';
import { describe, expect, it } from 'vitest';
import type { Pace } from './pace.ts';
import { createPools, type Pool, poolOf } from './pool.ts';
import { enqueue } from './queue.ts';
import { poolViews } from './view.ts';

const terms = { name: 'web', match: ['openai*'], limit: 8, settleMs: 20 * second };
const claimant = { type: 'command', pool: 'web' } as const;

/** What is said of a pool in which so many sessions wait. */
function viewOf(waiting: number, pace: Partial<Pace>) {
  const pools = createPools([terms]);
  pools.epoch = 1;
  const pool: Pool = poolOf(pools, terms);
  pool.pace = { ...pool.pace, ...pace };
  for (let id = 1; id <= waiting; id++) {
    enqueue(pool.queue, { node: 'pc-a' as NodeId, claim: { id, claimant, sessions: 1, phase: 'waiting' }, since: 0 });
  }
  return poolViews(pools, 0).find(({ name }) => name === terms.name);
}

describe('the time until nobody waits', () => {
  it('is that of the plan while nothing was refused', () => {
    const { totalMs } = planWaves(15, terms.limit, terms.settleMs);
    expect(viewOf(15, { phase: 'canary', live: 1 })?.etaMs).toBe(totalMs);
  });

  it('rises by one a wave above a limit that is known to hold', () => {
    // 2, 3, 4 and the last one.
    expect(viewOf(10, { phase: 'ramp', live: 2, held: 2 })?.etaMs).toBe(4 * terms.settleMs);
  });

  it('is not known while nothing is let go', () => {
    expect(viewOf(1, { phase: 'closed', until: minute, why: 'used up' })?.etaMs).toBeNull();
  });
});
