/** Milliseconds since the Unix epoch, by the clock of whoever made it. */
export type Instant = number;
/** A length of time in milliseconds. */
export type Milliseconds = number;

export const second: Milliseconds = 1_000;
export const minute: Milliseconds = 60 * second;
export const hour: Milliseconds = 60 * minute;
export const day: Milliseconds = 24 * hour;

/**
 * Clock differences below this are taken for the handshake's own delay and not corrected,
 * so that hosts with good clocks write the very `expires` that the origin had.
 */
export const clockOffsetMsMin: Milliseconds = 30 * second;

/** A wall clock that moved by this against the monotonic one has been set, or the host slept. */
export const clockJumpMsMin: Milliseconds = 5 * second;

/** Whether a moment that is over lies well ahead: it was taken by a clock that was wrong. */
export function isAhead(moment: Instant, now: Instant): boolean {
  return moment - now > minute;
}

/** Whether so long has passed since then; it has since a moment that was taken by a clock that was wrong. */
export function hasPassed(since: Instant, lengthMs: Milliseconds, now: Instant): boolean {
  return now - since >= lengthMs || isAhead(since, now);
}

/** The offset to work with: zero unless the clocks really differ. */
export function significantOffset(measuredMs: Milliseconds): Milliseconds {
  return Math.abs(measuredMs) < clockOffsetMsMin ? 0 : measuredMs;
}

/** What stands for "never" where an end has to be named: the latest `Date` (ECMA-262, time values). */
export const never: Instant = 8_640_000_000_000_000;

/** Instants that providers and OpenClaw write for "never". */
const neverInstants: ReadonlySet<Instant> = new Set([never, Number.MAX_SAFE_INTEGER]);

/** Whether `instant` is one of the documented ways to say that a credential does not expire. */
export function isNever(instant: Instant): boolean {
  return neverInstants.has(instant);
}

/** Moves an expiry between clocks; `null` and the documented "never" stay as they are. */
export function shiftExpiry(expiresAt: Instant | null, byMs: Milliseconds): Instant | null {
  return expiresAt === null || isNever(expiresAt) ? expiresAt : expiresAt + byMs;
}

/** Whether a credential that ends at `expiresAt` (null: never) can be used at `now`. */
export function isUsable(expiresAt: Instant | null, now: Instant): boolean {
  return expiresAt === null || expiresAt > now;
}
