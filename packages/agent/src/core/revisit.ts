import { clockOffsetMsMin, type Instant, type Milliseconds, second, shiftExpiry } from '@authmesh/shared/core/time';
import { createConfigured } from './adoption.ts';
import { withDelivery } from './delivery.ts';
import { hasFalseEnd } from './due-form.ts';
import type { AgentEffect } from './effect.ts';
import { endOfFence } from './fence.ts';
import { profileObserved } from './observation.ts';
import { report } from './report.ts';
import type { AgentState, Copy } from './state.ts';
import { withUnsettledAt } from './unsettled.ts';

/** How long the coordinator may take to judge a report before it is made again. */
const judgementMsMax: Milliseconds = 5 * second;
/** The least time between two looks. */
const revisitMsMin: Milliseconds = 200;

/** Looks again at all that is due: an unanswered report, a failed delivery or creation, a parallel login that has ended, a false end. */
export function revisit(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  state.revisitAt = undefined;
  if (state.createAt !== undefined) createConfigured(state, at, effects);
  for (const [key, copy] of state.copies) {
    const due = dueAt(state, copy);
    if (due === undefined || due > at) continue;
    const fenceEnds = endOfFence(copy);
    if (copy.fence && copy.seen && fenceEnds !== undefined && fenceEnds <= at) {
      state.copies.set(key, { ...copy, fence: { ...copy.fence, isStuck: true } });
      profileObserved(state, copy.store, copy.seen, false, at, effects);
    } else if (copy.retryAt !== undefined && copy.retryAt <= at) {
      state.copies.set(key, withDelivery(state, { ...copy, retryAt: undefined }, at, effects));
    } else {
      report(state, key, at, effects);
    }
  }
}

/** Starts what copies are due, and keeps the one timer set for the earliest that is due another look. */
export function settle(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  let earliest = state.link.synced ? state.createAt : undefined;
  for (const [key, before] of state.copies) {
    const copy = withUnsettledAt(state, withDelivery(state, before, at, effects), at);
    if (copy !== before) state.copies.set(key, copy);
    const due = dueAt(state, copy);
    if (due !== undefined && (earliest === undefined || due < earliest)) earliest = due;
  }
  if (earliest === undefined || (state.revisitAt !== undefined && state.revisitAt <= Math.max(earliest, at))) return;
  const delayMs = Math.max(revisitMsMin, earliest - at);
  state.revisitAt = at + delayMs;
  effects.push({ type: 'set-timer', timer: 'revisit', delayMs });
}

function dueAt(state: AgentState, copy: Copy): Instant | undefined {
  if (state.link.phase !== 'online' || !copy.seen || copy.writing) return undefined;
  if (copy.retryAt !== undefined) return copy.retryAt;
  if (copy.reportedAt === undefined) return undefined;
  if (!copy.judged || copy.judged.verdict === 'wanted') return copy.reportedAt + judgementMsMax;
  if (copy.judged.verdict === 'waits') return endOfFence(copy);
  if (copy.judged.verdict === 'in-step') return falseEnd(state, copy);
  return copy.judged.verdict === 'parallel' ? endOfParallel(state, copy) : undefined;
}

/** When the fleet's login seems to end in a store that has its end wrong: then it is written anew. */
function falseEnd(state: AgentState, { account, seen, reportedAt }: Copy): Instant | undefined {
  const facts = state.accounts.get(account);
  if (!facts || !seen || seen.expiresAt === null || reportedAt === undefined || seen.expiresAt <= reportedAt)
    return undefined;
  return hasFalseEnd(state, seen, facts, seen.expiresAt) ? seen.expiresAt : undefined;
}

/**
 * The wall clock moved against the timers. Deadlines that a clock set back would put off come nearer by as much; what
 * came due in a sleep is looked at now, since no timer ran in it.
 */
export function shiftDeadlines(state: AgentState, byMs: Milliseconds): void {
  state.revisitAt = undefined;
  // OpenClaw goes by the same clock: marks are to last as long as before.
  for (const [store, hold] of state.holds) {
    const was = hold.was === undefined ? undefined : hold.was + byMs;
    state.holds.set(store, { ...hold, until: hold.until + byMs, was });
  }
  // Who refreshes sleeps when this host does, and so does who delivers: that time makes nothing older.
  for (const [key, copy] of state.copies) {
    const { fence, unsettledAt } = copy;
    if (!fence && unsettledAt === undefined) continue;
    state.copies.set(key, {
      ...copy,
      fence: fence && { ...fence, since: fence.since + byMs },
      unsettledAt: unsettledAt === undefined ? undefined : unsettledAt + byMs,
    });
  }
  if (byMs >= 0) return;
  if (state.createAt !== undefined) state.createAt += byMs;
  for (const [key, copy] of state.copies) {
    const { retryAt, reportedAt } = copy;
    if (retryAt === undefined && reportedAt === undefined) continue;
    state.copies.set(key, {
      ...copy,
      retryAt: retryAt === undefined ? undefined : retryAt + byMs,
      reportedAt: reportedAt === undefined ? undefined : reportedAt + byMs,
    });
  }
}

/**
 * A parallel login is looked at again when it ends, for then the fleet's heals it, and when the fleet's ends, for then it
 * may take its place. The coordinator's clock may be behind by what is not corrected: so once more after that.
 */
function endOfParallel(state: AgentState, { seen, account, reportedAt }: Copy): Instant | undefined {
  if (!seen || reportedAt === undefined) return undefined;
  let next: Instant | undefined;
  for (const end of [
    seen.expiresAt,
    shiftExpiry(state.accounts.get(account)?.expiresAt ?? null, state.clockOffsetMs),
  ]) {
    if (end === null) continue;
    for (const due of [end, end + clockOffsetMsMin]) {
      if (due > reportedAt && (next === undefined || due < next)) next = due;
    }
  }
  return next;
}
