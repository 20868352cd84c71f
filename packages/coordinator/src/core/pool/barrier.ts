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
  const holdMs = longestHoldMs(state);
  const record: PoolsRecord = { epoch: Math.max(seen, poolsRecord?.record.epoch ?? 0) + 1, holdMs };
  // Nobody ever gave a permit: nobody holds one. Those of an earlier configuration may hold theirs for longer.
  if (poolsRecord || seen > 0) {
    pools.barrierUntil = state.elapsed + Math.max(holdMs, poolsRecord?.record.holdMs ?? 0);
  }
  pools.epoch = undefined;
  const expected = poolsRecord?.storeRevision ?? 0;
  commitRecord(state, poolsKey, { type: 'pools', record, expected, failed: false }, effects);
}

/** Leases that are longer than the store says need a new epoch: the next coordinator has to know how long to wait. */
export function holdsChanged(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  const { poolsRecord } = state;
  if (poolsRecord && longestHoldMs(state) > (poolsRecord.record.holdMs ?? 0)) beginEpoch(state, effects);
}

/** As long as a permit can be at work without being renewed; one of a command may be longer, and is then known by its report. */
function longestHoldMs({ pools }: CoordinatorState): Milliseconds {
  const isCaught = pools.terms.some(({ match }) => match.includes('*'));
  const used = isCaught ? pools.terms : [...pools.terms, defaultPool];
  return Math.max(...used.map(terms => leaseMsOf(terms.settleMs))) + graceMs;
}
