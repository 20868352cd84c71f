import type { Instant, Milliseconds } from '@authmesh/shared/core/time';

export interface ElapsedClockOptions {
  readonly wall?: (() => Instant) | undefined;
  readonly monotonic?: (() => Milliseconds) | undefined;
}

/**
 * How long the process has been running, the host's sleep included; never runs slower than real time. Linux's monotonic
 * clock stands still while the host is suspended and the wall clock does not: whichever moved further since the last
 * look counts. A wall clock that is set forward looks like a sleep, which errs on the safe side for whoever holds a
 * lease; one that is set back changes nothing.
 */
export function createElapsedClock(options: ElapsedClockOptions = {}): () => Milliseconds {
  const wall = options.wall ?? Date.now;
  const monotonic = options.monotonic ?? (() => performance.now());
  let lastWall = wall();
  let lastMonotonic = monotonic();
  let elapsed = lastMonotonic;
  return () => {
    const nowWall = wall();
    const nowMonotonic = monotonic();
    elapsed += Math.max(nowWall - lastWall, nowMonotonic - lastMonotonic);
    lastWall = nowWall;
    lastMonotonic = nowMonotonic;
    return elapsed;
  };
}
