import { fraction } from './chance.ts';
import { type Milliseconds, second } from './time.ts';

export const reconnectDelayMsBase: Milliseconds = 250;
export const reconnectDelayMsMax: Milliseconds = 30 * second;

/**
 * Full jitter (AWS, "Exponential Backoff and Jitter"): any delay up to a ceiling that doubles with each attempt.
 * A fixed table would bring a whole fleet back in the same instant.
 */
export function reconnectDelayMs(attempt: number, seed: number): Milliseconds {
  const ceiling = Math.min(reconnectDelayMsMax, reconnectDelayMsBase * 2 ** Math.min(attempt, 16));
  return Math.floor(fraction(seed) * ceiling);
}
