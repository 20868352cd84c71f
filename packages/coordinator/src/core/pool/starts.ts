import { hour, type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { Permit } from './pool.ts';
import type { PoolTerms } from './terms.ts';

/** Sessions started in the last minute and in the last day, for providers that count starts. */
export interface Starts {
  /** Oldest first. */
  readonly minute: Started[];
  /** The same, added up by the hour that begins with the first of them. */
  readonly hours: Started[];
}

interface Started {
  /** By the elapsed clock. */
  readonly at: Milliseconds;
  sessions: number;
}

/** Whole hours: the window of a day is up to an hour longer, never shorter. */
const hoursMs: Milliseconds = 25 * hour;

export function createStarts(): Starts {
  return { minute: [], hours: [] };
}

/** Counts sessions that were let go, where the terms ask for it. */
export function countStart(starts: Starts, terms: PoolTerms, sessions: number, now: Milliseconds): void {
  if (!hasBudget(terms)) return;
  const counted = startsOf(terms, sessions);
  starts.minute.push({ at: now, sessions: counted });
  const last = starts.hours.at(-1);
  if (last && now - last.at < hour) last.sessions += counted;
  else starts.hours.push({ at: now, sessions: counted });
}

/** A permit was given back unused: nothing was let go. */
export function uncountStart(starts: Starts, terms: PoolTerms, { startedAt, ...permit }: Permit): void {
  if (startedAt === undefined) return;
  const sessions = startsOf(terms, permit.sessions);
  for (const window of [starts.minute, starts.hours]) {
    const entry = window.findLast(({ at, sessions: counted }) => at <= startedAt && counted >= sessions);
    if (entry) entry.sessions -= sessions;
  }
}

/** As how many starts so many sessions count: what is larger than a whole budget takes all of it. */
export function startsOf({ startsPerMinute, startsPerDay }: PoolTerms, sessions: number): number {
  return Math.min(sessions, startsPerMinute ?? sessions, startsPerDay ?? sessions);
}

/** The starts of another pool count here too. */
export function addStarts(starts: Starts, others: Starts): void {
  for (const window of ['minute', 'hours'] as const) {
    starts[window].push(...others[window].map(one => ({ ...one })));
    starts[window].sort((a, b) => a.at - b.at);
  }
}

/** How many more may start now; unlimited where the terms say nothing. */
export function startsLeft(starts: Starts, terms: PoolTerms, now: Milliseconds): number {
  const today = startsLeftToday(starts, terms, now);
  const { startsPerMinute = Number.POSITIVE_INFINITY } = terms;
  return Math.min(startsPerMinute - sum(starts.minute), today);
}

/** The same of a day alone: what is used up of it comes back late. */
export function startsLeftToday(starts: Starts, terms: PoolTerms, now: Milliseconds): number {
  if (!hasBudget(terms)) return Number.POSITIVE_INFINITY;
  forget(starts, now);
  const { startsPerDay = Number.POSITIVE_INFINITY } = terms;
  return startsPerDay - sum(starts.hours);
}

/** When the next start of the used-up budget falls out of its window. */
export function startsResumeAt(starts: Starts, terms: PoolTerms): Milliseconds {
  const [first] = starts.minute;
  const isMinute = first && terms.startsPerMinute !== undefined && sum(starts.minute) >= terms.startsPerMinute;
  if (isMinute) return first.at + minute;
  return (starts.hours[0]?.at ?? 0) + hoursMs;
}

function hasBudget({ startsPerMinute, startsPerDay }: PoolTerms): boolean {
  return startsPerMinute !== undefined || startsPerDay !== undefined;
}

function forget(starts: Starts, now: Milliseconds): void {
  while (starts.minute[0] && starts.minute[0].at + minute <= now) starts.minute.shift();
  while (starts.hours[0] && starts.hours[0].at + hoursMs <= now) starts.hours.shift();
}

function sum(entries: readonly { readonly sessions: number }[]): number {
  return entries.reduce((total, { sessions }) => total + sessions, 0);
}
