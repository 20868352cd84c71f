import type { NodeId } from '@authmesh/shared/core/identifiers';
import { day, type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { ObservedConcurrency, RunningSessions } from '@authmesh/shared/protocol/permit';
import { commitRecord } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { type UsageRecord, usageKey } from '../record.ts';
import type { CoordinatorState } from '../state.ts';
import { poolOf } from './pool.ts';
import { type PoolTerms, termsOfLogin } from './terms.ts';

/*
 * How many sessions of each pool are at work at once: what a limit is chosen by. Signs of life say which logins a node's
 * agents have used within the last minute; once a minute that is added up. Kept are thirty days, each as the number of
 * minutes for each number of sessions: bounded, whatever the fleet does.
 */

export interface UsageState {
  /** What each node's last sign of life said, by pool, and when it came, by the elapsed clock. */
  readonly running: Map<NodeId, { readonly at: Milliseconds; readonly sessions: ReadonlyMap<string, number> }>;
  /** Oldest first. */
  readonly days: UsageDay[];
  /** Starts under earlier coordinators, until this one counts them. */
  earlierStarts: UsageRecord['starts'];
  storeRevision: number;
  sampledAt: Milliseconds;
  storedAt: Milliseconds;
  isNews: boolean;
  /** It is not to wait for the next round. */
  isUrgent: boolean;
}

interface UsageDay {
  /** Days since 1970, in UTC. */
  readonly day: number;
  /** By pool: in how many minutes so many sessions were at work. */
  readonly pools: Map<string, Map<number, number>>;
}

const daysMax = 30;
const sampleMs: Milliseconds = minute;
/** So much of it a crash may take. */
const storeMs: Milliseconds = 10 * minute;

/** Usage as the store has it. */
export function createUsage(stored?: { readonly record: UsageRecord; readonly storeRevision: number }): UsageState {
  const days = (stored?.record.days ?? []).map(one => ({
    day: one.day,
    pools: new Map(Object.entries(one.pools).map(([name, counts]) => [name, new Map(counts)] as const)),
  }));
  const { storeRevision = 0, record } = stored ?? {};
  return {
    running: new Map(),
    days,
    earlierStarts: record?.starts,
    storeRevision,
    sampledAt: 0,
    storedAt: 0,
    isNews: false,
    isUrgent: false,
  };
}

/** What a node's sign of life says of its sessions. */
export function sessionsRunning(
  usage: UsageState,
  terms: readonly PoolTerms[],
  node: NodeId,
  running: readonly RunningSessions[],
  now: Milliseconds,
): void {
  const sessions = new Map<string, number>();
  for (const one of running) {
    const { name } = termsOfLogin(terms, one);
    sessions.set(name, (sessions.get(name) ?? 0) + one.sessions);
  }
  if (sessions.size > 0) usage.running.set(node, { at: now, sessions });
  else usage.running.delete(node);
}

/** Once a minute: adds up what is at work, and from time to time tells the store. */
export function sampleUsage(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  const { usage, at, elapsed } = state;
  if (elapsed - usage.sampledAt < sampleMs) return;
  usage.sampledAt = elapsed;
  const atWork = new Map<string, number>();
  for (const [node, { at: heard, sessions }] of usage.running) {
    if (elapsed - heard > sampleMs) usage.running.delete(node);
    else for (const [name, count] of sessions) atWork.set(name, (atWork.get(name) ?? 0) + count);
  }
  for (const [name, count] of atWork) countMinute(dayOf(usage, at), name, count);
  usage.isNews ||= atWork.size > 0;
  if (elapsed - usage.storedAt >= storeMs) storeUsage(state, effects);
}

/** Tells the store what it does not know yet. */
export function storeUsage(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  const { usage, elapsed, pendingRecords } = state;
  if (!usage.isNews || pendingRecords.has(usageKey)) return;
  usage.isNews = false;
  usage.isUrgent = false;
  usage.storedAt = elapsed;
  const days = usage.days.map(one => ({
    day: one.day,
    pools: Object.fromEntries([...one.pools].map(([name, counts]) => [name, [...counts]] as const)),
  }));
  const expected = usage.storeRevision;
  const record: UsageRecord = { days, starts: startsOf(state) };
  commitRecord(state, usageKey, { type: 'usage', record, expected, failed: false }, effects);
}

/** Sessions were started in a pool that bounds the starts of a day: the next coordinator has to know. */
export function startsCounted(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  state.usage.isNews = true;
  state.usage.isUrgent = true;
  storeUsage(state, effects);
}

/** What earlier coordinators started counts in the windows of this one. */
export function restoreStarts(state: CoordinatorState): void {
  const { usage, pools, elapsed, at } = state;
  for (const terms of pools.terms) {
    for (const [instant, sessions] of usage.earlierStarts?.[terms.name] ?? []) {
      poolOf(pools, terms).starts.hours.push({ at: elapsed - (at - instant), sessions });
    }
  }
  usage.earlierStarts = undefined;
}

function startsOf({ pools, elapsed, at }: CoordinatorState): UsageRecord['starts'] {
  const starts = [...pools.pools.values()].flatMap(({ terms, starts: { hours } }) =>
    terms.startsPerDay === undefined || hours.length === 0
      ? []
      : [[terms.name, hours.map(one => [Math.round(at - (elapsed - one.at)), one.sessions] as const)] as const],
  );
  return starts.length === 0 ? undefined : Object.fromEntries(starts);
}

/** Opened where it is not there. Days of a time in which the clock was wrong are the first to go. */
function dayOf({ days }: UsageState, at: Instant): UsageDay {
  const today = Math.floor(at / day);
  // A clock that was set back a little goes on with the day that it has left.
  const known = days.find(one => one.day === today || one.day === today + 1);
  if (known) return known;
  const opened: UsageDay = { day: today, pools: new Map() };
  const later = days.findIndex(one => one.day > today);
  days.splice(later < 0 ? days.length : later, 0, opened);
  if (days.length > daysMax)
    days.splice(
      Math.max(
        0,
        days.findIndex(one => one.day > today + 1),
      ),
      1,
    );
  return opened;
}

function countMinute({ pools }: UsageDay, name: string, count: number): void {
  const counts = pools.get(name) ?? new Map<number, number>();
  pools.set(name, counts);
  const kept = rounded(count);
  counts.set(kept, (counts.get(kept) ?? 0) + 1);
}

/** Up to two digits as it is, above that up to the next number of two digits and zeros: a hundred sizes, and ninety more for each digit. */
function rounded(count: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1);
  return Math.ceil(count / step) * step;
}

/** What was seen of a pool in the last thirty days; undefined where nothing was. Minutes without any session say nothing. */
export function observedOf(
  { days }: UsageState,
  pool: string,
  at: Instant,
): Omit<ObservedConcurrency, 'sessions'> | undefined {
  const today = Math.floor(at / day);
  const minutes = new Map<number, number>();
  let total = 0;
  let seen = 0;
  for (const { day: then, pools } of days) {
    const counts = then > today - daysMax && then <= today + 1 ? pools.get(pool) : undefined;
    if (counts) seen++;
    for (const [count, many] of counts ?? []) {
      minutes.set(count, (minutes.get(count) ?? 0) + many);
      total += many;
    }
  }
  if (total === 0) return undefined;
  const sorted = [...minutes].sort(([a], [b]) => a - b);
  const rank = (part: number) => {
    let left = Math.ceil(part * total);
    for (const [count, many] of sorted) {
      left -= many;
      if (left <= 0) return count;
    }
    return 0;
  };
  return { p50: rank(0.5), p95: rank(0.95), peak: rank(1), days: seen };
}
