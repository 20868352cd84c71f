import type { Instant } from '@authmesh/shared/core/time';

interface Entry {
  readonly at: Instant;
  /** Entries of one instant run in the order in which they were made. */
  readonly sequence: number;
  readonly run: () => void;
}

/** What is going to happen, by virtual time: a binary heap. */
export interface Queue {
  readonly schedule: (at: Instant, run: () => void) => void;
  /** The instant of the next entry; infinite when there is none. */
  readonly nextAt: () => Instant;
  /** Takes the next entry out. */
  readonly take: () => (() => void) | undefined;
  readonly size: () => number;
}

export function createQueue(): Queue {
  const heap: Entry[] = [];
  let sequence = 0;

  function rise(entry: Entry): void {
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (!parent || !isBefore(entry, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  function sink(entry: Entry): void {
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      let child = heap[below];
      if (!child) break;
      const sibling = heap[below + 1];
      if (sibling && isBefore(sibling, child)) {
        below++;
        child = sibling;
      }
      if (!isBefore(child, entry)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = entry;
  }

  return {
    schedule: (at, run) => rise({ at, sequence: sequence++, run }),
    nextAt: () => heap[0]?.at ?? Number.POSITIVE_INFINITY,
    take: () => {
      const first = heap[0];
      const last = heap.pop();
      if (first && last && first !== last) sink(last);
      return first?.run;
    },
    size: () => heap.length,
  };
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
