import type { IncomingHttpHeaders } from 'node:http';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';

/**
 * How long an answer asks to wait (RFC 9110, 10.2.3): seconds, or a date, which is measured by the clock that wrote it where
 * the answer tells its time. Undefined where it asks for nothing that can be read.
 */
export function retryAfterOf(
  { 'retry-after': value, date }: IncomingHttpHeaders,
  now: Instant,
): Milliseconds | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value) * 1_000;
  // Every form of HTTP's dates begins with the day's name; `Date` alone would see one in "-5".
  const until = Date.parse(/^\s*[A-Z][a-z]{2}/.test(value) ? value : '');
  if (Number.isNaN(until)) return undefined;
  const told = Date.parse(date ?? '');
  return Math.max(0, until - (Number.isNaN(told) ? now : told));
}
