import type { Milliseconds } from '@authmesh/shared/core/time';

/** Things that happen in a time of their own, in order. */
export interface Moments {
  readonly now: () => Milliseconds;
  readonly after: (ms: Milliseconds, run: () => void) => void;
  /** Lets time pass until nothing is left to happen, or `untilMs`; false where something is left. */
  readonly run: (untilMs: Milliseconds) => boolean;
}

export function createMoments(): Moments {
  const queue: { readonly at: Milliseconds; readonly run: () => void }[] = [];
  let now = 0;
  return {
    now: () => now,
    after(ms, run) {
      const at = now + ms;
      const place = queue.findIndex(other => other.at > at);
      queue.splice(place < 0 ? queue.length : place, 0, { at, run });
    },
    run(untilMs) {
      for (let next = queue.shift(); next; next = queue.shift()) {
        if (next.at > untilMs) return false;
        now = next.at;
        next.run();
      }
      return true;
    },
  };
}
