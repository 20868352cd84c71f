import { type Instant, never } from '@authmesh/shared/core/time';

/** An instant as ISO 8601 text; null stays null. */
export function iso(instant: Instant): string;
export function iso(instant: Instant | null): string | null;
export function iso(instant: Instant | null): string | null {
  return instant === null ? null : new Date(Math.min(instant, never)).toISOString();
}
