import { clockJumpMsMin, type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';

export interface ClockWatchOptions {
  /** Told how far the wall clock is ahead of where it ought to be; negative: it was set back. */
  readonly onJump: (byMs: Milliseconds) => void;
  readonly wall?: (() => Instant) | undefined;
  /** A clock that nobody sets and that stands still while the host sleeps. */
  readonly monotonic?: (() => Milliseconds) | undefined;
}

/**
 * Compares the wall clock with the monotonic one each second: sleep and wake, a suspended virtual machine and a hand on
 * the clock all show as a difference. A clock that counts through the sleep shows it as a tick that came far too late.
 * Slow slewing by a time service stays below the threshold between two looks. Returns the function that stops it.
 */
export function watchClock(options: ClockWatchOptions): () => void {
  const wall = options.wall ?? Date.now;
  const monotonic = options.monotonic ?? (() => performance.now());
  let lastWall = wall();
  let lastMonotonic = monotonic();
  const timer = setInterval(() => {
    const nowWall = wall();
    const nowMonotonic = monotonic();
    const elapsed = nowMonotonic - lastMonotonic;
    const drift = nowWall - lastWall - elapsed;
    lastWall = nowWall;
    lastMonotonic = nowMonotonic;
    if (Math.abs(drift) >= clockJumpMsMin) options.onJump(Math.round(drift));
    else if (elapsed - lookMs > sleptMsMin) options.onJump(Math.round(elapsed - lookMs));
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** To wake up is most of what an idle agent costs: 0.3 ms of a core each time, twice that on a busy machine. */
const lookMs: Milliseconds = 3 * second;
/** A tick later than this is no busy event loop: macOS's monotonic clock counts while the host sleeps. */
const sleptMsMin: Milliseconds = 30 * second;
