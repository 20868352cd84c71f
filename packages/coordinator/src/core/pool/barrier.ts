import type { Milliseconds } from '@authmesh/shared/core/time';
import { commitRecord } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { type PoolsRecord, poolsKey } from '../record.ts';
import type { CoordinatorState } from '../state.ts';
import { defaultPool, graceMs, leaseMsOf } from './terms.ts';

/*
 * Permits live in memory. A coordinator that has just started knows none of those that its predecessor gave, so it gives
 * none itself until nobody can hold one any more. That all members have reported would not do: a store that came back
 * from a backup does not know all of them.
 */

/**
 * Begins a new epoch, above that of every permit that is known; nothing is granted before it is durable. `seen`: of a
 * permit that a node holds, from after the backup that this store came from.
 */
export function beginEpoch(state: CoordinatorState, effects: CoordinatorEffect[], seen = 0): void {
  const { pools, poolsRecord } = state;
  if (state.pendingRecords.has(poolsKey)) return;
  const record: PoolsRecord = { epoch: Math.max(seen, poolsRecord?.record.epoch ?? 0) + 1 };
  // Nobody ever gave a permit: nobody holds one.
  if (poolsRecord || seen > 0) pools.barrierUntil = state.elapsed + longestHoldMs(state);
  pools.epoch = undefined;
  const expected = poolsRecord?.storeRevision ?? 0;
  commitRecord(state, poolsKey, { type: 'pools', record, expected, failed: false }, effects);
}

/** As long as a permit can be at work without being renewed; one of a command may be longer, and is then known by its report. */
function longestHoldMs({ pools }: CoordinatorState): Milliseconds {
  return Math.max(...[...pools.terms, defaultPool].map(terms => leaseMsOf(terms.settleMs))) + graceMs;
}
