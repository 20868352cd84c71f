import { type Milliseconds, second } from './time.ts';
import { planWaves } from './waves.ts';

/** What was seen of a pool in use: the most sessions that were at work at once, and on how many days any were. */
interface ObservedConcurrency {
  readonly peak: number;
  readonly days: number;
}

/** A limit to set, and the reason for the operator. */
interface LimitAdvice {
  readonly limit: number;
  readonly why: string;
}

/** Without observations: how long an outage may go on because of the limit alone. */
const patienceMs: Milliseconds = 60 * second;
/** Above the observed peak, so that an ordinary day never meets the limit. */
const headroom = 1.2;

/**
 * The limit to recommend. From what was observed, where anything was: the peak and a fifth. Else the smallest one that
 * brings all sessions back within a minute; where the ramp itself takes longer, the smallest that takes no longer than it.
 */
export function adviseLimit(sessions: number, settleMs: Milliseconds, observed?: ObservedConcurrency): LimitAdvice {
  if (observed && observed.peak > 0) {
    const { peak, days } = observed;
    const all = Math.max(sessions, peak);
    const limit = Math.min(all, Math.ceil(peak * headroom));
    const over = `${days} ${days === 1 ? 'day' : 'days'}`;
    const room = limit === all ? `${limit} is all of them` : `${limit} leaves 20 %`;
    return { limit, why: `peak ${peak} of ${all} over ${over}; ${room}` };
  }
  const fastestMs = planWaves(sessions, Math.max(1, sessions), settleMs).totalMs;
  const limit = smallestLimit(sessions, settleMs, Math.max(patienceMs, fastestMs));
  const reason =
    fastestMs > patienceMs
      ? `${limit} is the smallest limit that brings ${sessions} sessions back in ${fastestMs / second} s, and no limit does it faster`
      : `${limit} is the smallest limit that brings ${sessions} sessions back within ${patienceMs / second} s`;
  return { limit, why: `nothing was observed yet; ${reason}. What counts is the provider’s own limit: stay below it` };
}

/** What a status says of a pool in use: what was seen of it, and the limit that it recommends; null where nothing was seen. */
export function describeUse<Observed extends ObservedConcurrency & { readonly sessions: number }>(
  settleMs: Milliseconds,
  observed: Observed | undefined,
): {
  readonly observed: Observed | null;
  readonly recommendedLimit: number | null;
  readonly recommendedWhy: string | null;
} {
  const advice = observed && adviseLimit(observed.sessions, settleMs, observed);
  return {
    observed: observed ?? null,
    recommendedLimit: advice?.limit ?? null,
    recommendedWhy: advice?.why ?? null,
  };
}

/** A higher limit never takes longer: the answer is found by halving. */
function smallestLimit(sessions: number, settleMs: Milliseconds, withinMs: Milliseconds): number {
  let low = 1;
  let high = Math.max(1, sessions);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (planWaves(sessions, middle, settleMs).totalMs <= withinMs) high = middle;
    else low = middle + 1;
  }
  return low;
}
