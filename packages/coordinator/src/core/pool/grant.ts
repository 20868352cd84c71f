import type { NodeId } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { type Pace, recoveryBegan, recoveryEnded, resumed, stoodIdle } from './pace.ts';
import { type Permit, type Pool, type PoolsState, passedMsMax, putPermit } from './pool.ts';
import { dequeue, hasOneWithin, isRecovery, nextWaiting, oldestLarge, type Queue, type Waiting } from './queue.ts';
import { countStart, startsLeft, startsLeftToday, startsOf } from './starts.ts';
import { leaseMsOf, mostTogether, settleMsOf } from './terms.ts';

/** Gaps in a recovery that are shorter do not end it: a host's main store follows when the others are back. */
const quietMsMin: Milliseconds = 30 * second;

/** Whether anything may be granted at all: this epoch is durable, and nobody is left who might hold an older permit. */
export function isOpen({ epoch, barrierUntil }: PoolsState, now: Milliseconds): boolean {
  return epoch !== undefined && now >= barrierUntil;
}

/**
 * Grants what the pool has room for: invariant I11, never more than the hard limit at once. The permits are put into
 * the pool; whose they are is for the caller to tell.
 */
export function grantAll(state: PoolsState, pool: Pool, now: Milliseconds): Permit[] {
  const granted: Permit[] = [];
  if (!isOpen(state, now) || state.epoch === undefined) return granted;
  pool.pace = resumed(pool.pace, now);
  if (!isWaitedFor(pool, now)) return granted;
  if (pool.pace.phase === 'halted' || pool.pace.phase === 'closed') return granted;
  beginOrRise(pool, now);
  for (;;) {
    const waiting = pick(pool, now);
    if (!waiting) return granted;
    dequeue(pool.queue, waiting, true);
    const permit = permitFor(state.epoch, pool, waiting, state.nodes.get(waiting.node)?.run ?? '', now);
    putPermit(pool, permit);
    countStart(pool.starts, pool.terms, permit.sessions, now);
    granted.push(permit);
  }
}

/** Whether something waits. A recovery is over when nothing has waited, and nothing has come back, for a while. */
function isWaitedFor(pool: Pool, now: Milliseconds): boolean {
  if (pool.quietSince !== undefined && now - pool.quietSince > quietMsMin) {
    pool.pace = recoveryEnded(pool.pace, pool.terms.limit);
  }
  if (pool.queue.count > 0) {
    pool.quietSince = undefined;
    return true;
  }
  pool.idleSince = undefined;
  if (pool.active === 0) pool.quietSince ??= now;
  return false;
}

/** The first stores of a recovery meet a canary; what is too large for the limit waits until the limit has risen. */
function beginOrRise(pool: Pool, now: Milliseconds): void {
  if (pool.pace.phase === 'steady' && pool.queue.recoveries > 0) pool.pace = recoveryBegan(pool.pace);
  if (pool.active > 0 || hasOneThatFits(pool)) {
    pool.idleSince = undefined;
    return;
  }
  pool.idleSince ??= now;
  if (now - pool.idleSince < pool.terms.settleMs) return;
  pool.idleSince = now;
  pool.pace =
    pool.pace.phase === 'steady' && pool.pace.live < pool.terms.limit
      ? { ...pool.pace, live: pool.pace.live + 1, held: pool.pace.live + 1 }
      : stoodIdle(pool.pace, pool.terms.limit);
}

/** Whether the limit lets anything go that may go now. */
function hasOneThatFits({ queue, pace, terms }: Pool): boolean {
  const live = Math.min(pace.live, terms.limit);
  return isCanaryDue(pace, queue) ? nextWaiting(queue, live, isRecovery) !== undefined : hasOneWithin(queue, live);
}

/** A canary is a login of which nobody knows yet whether it works: what else waits says nothing of that. */
function isCanaryDue({ phase }: Pace, { recoveries }: Queue): boolean {
  return phase === 'canary' && recoveries > 0;
}

function pick(pool: Pool, now: Milliseconds): Waiting | undefined {
  const { queue, starts, terms, pace } = pool;
  const live = Math.min(pace.live, terms.limit);
  const room = live - pool.active;
  const left = startsLeft(starts, terms, now);
  if (room <= 0 || left <= 0) return undefined;
  const fit = left >= mostTogether(terms) ? room : Math.min(room, left);
  if (isCanaryDue(pace, queue)) return nextWaiting(queue, fit, isRecovery);
  const large = oldestLarge(queue);
  const isPassed = large && now - large.since > passedMsMax && large.claim.sessions <= live;
  // Others have passed it long enough: what becomes free is kept for it, unless it is the starts of a day that it lacks.
  if (isPassed && startsOf(terms, large.claim.sessions) <= startsLeftToday(starts, terms, now)) {
    return large.claim.sessions <= room && startsOf(terms, large.claim.sessions) <= left ? large : undefined;
  }
  return nextWaiting(queue, fit);
}

function permitFor(epoch: number, pool: Pool, { node, claim }: Waiting, run: string, now: Milliseconds): Permit {
  const { id, claimant, sessions } = claim;
  const settleMs = settleMsOf(pool.terms, claim);
  const until = now + leaseMsOf(settleMs);
  return {
    node,
    run,
    id,
    claimant,
    sessions,
    settleMs,
    epoch,
    burst: pool.pace.burst,
    startedAt: now,
    until,
    isLost: false,
  };
}

/** Everything of a node that waits anywhere. */
export function waitingOfNode(
  { pools }: PoolsState,
  node: NodeId,
): { readonly pool: Pool; readonly waiting: Waiting }[] {
  const found: { readonly pool: Pool; readonly waiting: Waiting }[] = [];
  for (const pool of pools.values()) {
    for (const waiting of pool.queue.lanes.get(node)?.claims.values() ?? []) found.push({ pool, waiting });
  }
  return found;
}

/** Every permit of a node. */
export function permitsOfNode({ pools }: PoolsState, node: NodeId): { readonly pool: Pool; readonly permit: Permit }[] {
  const found: { readonly pool: Pool; readonly permit: Permit }[] = [];
  for (const pool of pools.values()) {
    for (const permit of pool.permits.values()) if (permit.node === node) found.push({ pool, permit });
  }
  return found;
}
