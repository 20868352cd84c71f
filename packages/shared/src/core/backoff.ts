import { fraction } from './chance.ts';
import { type Milliseconds, second } from './time.ts';

export const reconnectDelayMsBase: Milliseconds = 250;
/** A fleet whose coordinator was away for long is back within half a minute, one that is turned away once included. */
export const reconnectDelayMsMax: Milliseconds = 15 * second;

/** What a coordinator said of when to come back, as it was left or as it turned this node away. */
interface Invitation {
  /** Not sooner than this; a draining coordinator gives each node its own moment. */
  readonly notBeforeMs?: Milliseconds | undefined;
  /**
   * Then, or up to half as long again, for others may have been told the same. Whoever says it has proved nothing: it is
   * believed as far as no delay becomes longer, and none much shorter, than with a coordinator that is absent.
   */
  readonly retryAfterMs?: Milliseconds | undefined;
}

/** How long to wait before the next attempt. */
export function returnDelayMs(attempt: number, seed: number, { notBeforeMs, retryAfterMs }: Invitation): Milliseconds {
  const delayMs = retryAfterMs === undefined ? reconnectDelayMs(attempt, seed) : spreadDelayMs(retryAfterMs, seed);
  return Math.max(notBeforeMs ?? 0, delayMs);
}

const returnSpread = 0.5;

function spreadDelayMs(retryAfterMs: Milliseconds, seed: number): Milliseconds {
  const believedMs = Math.min(Math.max(retryAfterMs, reconnectDelayMsBase), reconnectDelayMsMax / (1 + returnSpread));
  return Math.floor((1 + fraction(seed) * returnSpread) * believedMs);
}

/**
 * Full jitter (AWS, "Exponential Backoff and Jitter"): any delay up to a ceiling that doubles with each attempt.
 * A fixed table would bring a whole fleet back in the same instant.
 */
export function reconnectDelayMs(attempt: number, seed: number): Milliseconds {
  const ceiling = Math.min(reconnectDelayMsMax, reconnectDelayMsBase * 2 ** Math.min(attempt, 16));
  return Math.floor(fraction(seed) * ceiling);
}
