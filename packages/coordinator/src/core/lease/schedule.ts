import type { AccountId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';

/*
 * When each account is to be looked at next: a binary heap, of which entries that were put off since are left to sink.
 * A hundred thousand accounts have one timer.
 */

interface Planned {
  readonly at: Instant;
  readonly account: AccountId;
}

/** Updated in place. */
export interface Schedule {
  readonly heap: Planned[];
  /** The moment that counts; others in the heap are of before. */
  readonly planned: Map<AccountId, Instant>;
}

export function createSchedule(): Schedule {
  return { heap: [], planned: new Map() };
}

/** Looks at the account then, and not before; null: not at all. */
export function plan(schedule: Schedule, account: AccountId, at: Instant | null): void {
  const { heap, planned } = schedule;
  if (at === null) {
    planned.delete(account);
    return;
  }
  if (planned.get(account) === at) return;
  planned.set(account, at);
  heap.push({ at, account });
  rise(heap, heap.length - 1);
  // Twice as many as count: each is put in order again at most once for every one that was added.
  if (heap.length > 2 * planned.size + 16) rebuild(schedule);
}

/** The moment of the next look; undefined: there is none. */
export function nextAt(schedule: Schedule): Instant | undefined {
  dropOutdated(schedule);
  return schedule.heap[0]?.at;
}

/** Takes the account out whose look is due; undefined: none is. */
export function takeDue(schedule: Schedule, now: Instant): AccountId | undefined {
  dropOutdated(schedule);
  const [first] = schedule.heap;
  if (!first || first.at > now) return undefined;
  dropFirst(schedule.heap);
  schedule.planned.delete(first.account);
  return first.account;
}

function dropOutdated({ heap, planned }: Schedule): void {
  for (let [first] = heap; first && planned.get(first.account) !== first.at; [first] = heap) dropFirst(heap);
}

function dropFirst(heap: Planned[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  heap[0] = last;
  sink(heap, 0);
}

function rebuild({ heap, planned }: Schedule): void {
  heap.length = 0;
  for (const [account, at] of planned) heap.push({ at, account });
  for (let index = (heap.length >> 1) - 1; index >= 0; index--) sink(heap, index);
}

function rise(heap: Planned[], from: number): void {
  for (let index = from; index > 0; ) {
    const parent = (index - 1) >> 1;
    if (!isBefore(heap, index, parent)) return;
    swap(heap, index, parent);
    index = parent;
  }
}

function sink(heap: Planned[], from: number): void {
  for (let index = from; ; ) {
    let least = index;
    for (const child of [2 * index + 1, 2 * index + 2])
      if (child < heap.length && isBefore(heap, child, least)) least = child;
    if (least === index) return;
    swap(heap, index, least);
    index = least;
  }
}

function isBefore(heap: Planned[], one: number, other: number): boolean {
  return (heap[one]?.at ?? 0) < (heap[other]?.at ?? 0);
}

function swap(heap: Planned[], one: number, other: number): void {
  const [a, b] = [heap[one], heap[other]];
  if (!a || !b) return;
  heap[one] = b;
  heap[other] = a;
}
