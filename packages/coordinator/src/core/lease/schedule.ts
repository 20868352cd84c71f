import type { AccountId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';

/*
 * When each account is to be looked at next: a binary heap, of which entries that were put off since are passed over. A hundred
 * thousand accounts have one timer.
 */

/** Updated in place. */
export interface Schedule {
  /** Ordered as a heap. They stand apart from the accounts: as plain numbers they are next to each other in memory. */
  readonly times: Instant[];
  /** The account of the time at the same index. */
  readonly accounts: AccountId[];
  /** The moment that counts; others in the heap are of before. */
  readonly planned: Map<AccountId, Instant>;
}

export function createSchedule(): Schedule {
  return { times: [], accounts: [], planned: new Map() };
}

/** Looks at the account then, and not before; null: not at all. */
export function plan(schedule: Schedule, account: AccountId, at: Instant | null): void {
  const { times, planned } = schedule;
  if (at === null) {
    planned.delete(account);
    return;
  }
  if (planned.get(account) === at) return;
  planned.set(account, at);
  add(schedule, account, at);
  // Twice as many as count: each is put in order again at most once for every one that was added.
  if (times.length > 2 * planned.size + 16) rebuild(schedule);
}

/** The moment of the next look; undefined: there is none. */
export function nextAt(schedule: Schedule): Instant | undefined {
  const { times, accounts, planned } = schedule;
  for (let [account] = accounts; account !== undefined; [account] = accounts) {
    if (planned.get(account) === times[0]) return times[0];
    takeFirst(schedule);
  }
  return undefined;
}

/** Takes the account out whose look is due; undefined: none is. */
export function takeDue(schedule: Schedule, now: Instant): AccountId | undefined {
  const at = nextAt(schedule);
  if (at === undefined || at > now) return undefined;
  const account = takeFirst(schedule);
  if (account !== undefined) schedule.planned.delete(account);
  return account;
}

function rebuild(schedule: Schedule): void {
  schedule.times.length = 0;
  schedule.accounts.length = 0;
  for (const [account, at] of schedule.planned) add(schedule, account, at);
}

function add({ times, accounts }: Schedule, account: AccountId, at: Instant): void {
  let index = times.length;
  while (index > 0) {
    const above = (index - 1) >> 1;
    if (at >= timeAt(times, above)) break;
    move(times, accounts, above, index);
    index = above;
  }
  times[index] = at;
  accounts[index] = account;
}

function takeFirst({ times, accounts }: Schedule): AccountId | undefined {
  const [first] = accounts;
  const at = times.pop();
  const last = accounts.pop();
  if (at === undefined || last === undefined || times.length === 0) return first;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    const below = timeAt(times, left + 1) < timeAt(times, left) ? left + 1 : left;
    if (timeAt(times, below) >= at) break;
    move(times, accounts, below, index);
    index = below;
  }
  times[index] = at;
  accounts[index] = last;
  return first;
}

/** Infinite beyond the end: nothing sinks that far. */
function timeAt(times: readonly Instant[], index: number): Instant {
  return times[index] ?? Number.POSITIVE_INFINITY;
}

function move(times: Instant[], accounts: AccountId[], from: number, to: number): void {
  const account = accounts[from];
  if (account === undefined) return;
  times[to] = timeAt(times, from);
  accounts[to] = account;
}
