import type { Instant } from '@authmesh/shared/core/time';

/** The latest instant that has an ISO form (ECMA-262, time values). */
const latestInstant: Instant = 8_640_000_000_000_000;

/** An instant as ISO 8601 text; null stays null. */
export function iso(instant: Instant): string;
export function iso(instant: Instant | null): string | null;
export function iso(instant: Instant | null): string | null {
  return instant === null ? null : new Date(Math.min(instant, latestInstant)).toISOString();
}
