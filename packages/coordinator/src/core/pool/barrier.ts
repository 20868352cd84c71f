import type { Milliseconds } from '@authmesh/shared/core/time';
import { commitRecord } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { type PoolsRecord, poolsKey } from '../record.ts';
import type { CoordinatorState } from '../state.ts';
import type { PoolsState } from './pool.ts';
import { defaultPool, graceMs, leaseMsOf } from './terms.ts';

/*
 * Permits live in memory. A coordinator that has just started knows none of those that its predecessor gave, so it gives
 * none itself until nobody can hold one any more. That all members have reported would not do: a store that came back
 * from a backup does not know all of them.
 */

/**
 * Begins a new epoch, above that of every permit that is known, and waits for those who may hold an older one. `seen`: the
 * epoch of a permit that a node holds, from after the backup that this store came from.
 */
export function beginEpoch(state: CoordinatorState, effects: CoordinatorEffect[], seen = 0): void {
  const { pools, poolsRecord, pendingRecords, elapsed } = state;
  if (pendingRecords.has(poolsKey)) return;
  // Not shorter than before: who crashes in this wait must not forget the leases that it is for.
  const holdMs = Math.max(longestHoldMs(state), poolsRecord?.record.holdMs ?? 0);
  // Nobody ever gave a permit: nobody holds one.
  if (poolsRecord || seen > 0) pools.barrierUntil = elapsed + holdMs;
  commitEpoch(state, holdMs, seen, effects);
}

/**
 * Tells the store how long the next coordinator has to wait, when that has changed: longer before such a permit is given,
 * shorter when the last longer one is gone. This coordinator knows its own permits, and waits for the store alone.
 */
export function reviseHold(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  const { pools, poolsRecord, pendingRecords, elapsed } = state;
  if (!poolsRecord || pendingRecords.has(poolsKey)) return;
  const longest = longestHoldMs(state);
  const stated = poolsRecord.record.holdMs ?? 0;
  const isShorter = longest < stated && elapsed >= pools.barrierUntil && !isHeldLonger(pools, longest);
  if (longest > stated || isShorter) commitEpoch(state, longest, 0, effects);
}

/** Whether the wait of the next coordinator is longer than it has to be once this one's own wait is over. */
export function isHoldStale(state: CoordinatorState): boolean {
  return longestHoldMs(state) < (state.poolsRecord?.record.holdMs ?? 0);
}

/** Nothing is granted before the epoch is durable. */
function commitEpoch(state: CoordinatorState, holdMs: Milliseconds, seen: number, effects: CoordinatorEffect[]): void {
  const { pools, poolsRecord } = state;
  const record: PoolsRecord = { epoch: Math.max(seen, poolsRecord?.record.epoch ?? 0) + 1, holdMs };
  pools.epoch = undefined;
  const expected = poolsRecord?.storeRevision ?? 0;
  commitRecord(state, poolsKey, { type: 'pools', record, expected, failed: false }, effects);
}

function isHeldLonger({ pools }: PoolsState, holdMs: Milliseconds): boolean {
  for (const { permits } of pools.values()) {
    for (const { settleMs } of permits.values()) if (leaseMsOf(settleMs) + graceMs > holdMs) return true;
  }
  return false;
}

/** As long as a permit can be at work without being renewed; one of a command may be longer, and is then known by its report. */
function longestHoldMs({ pools }: CoordinatorState): Milliseconds {
  const isCaught = pools.terms.some(({ match }) => match.includes('*'));
  const used = isCaught ? pools.terms : [...pools.terms, defaultPool];
  return Math.max(...used.map(terms => leaseMsOf(terms.settleMs))) + graceMs;
}
