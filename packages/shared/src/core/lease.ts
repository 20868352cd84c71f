import { fraction } from './chance.ts';
import type { Fingerprint } from './identifiers.ts';
import { type Instant, type Milliseconds, minute, second } from './time.ts';

/*
 * One node at a time refreshes an account (DESIGN §8): a refresh token is good for one use, and two hosts that use it end
 * the login for all.
 */

/** How long an exchange at a token endpoint may take, the connection included. */
export const exchangeMsMax: Milliseconds = 30 * second;

/** How long a lease is good for. It outlives two exchanges and the wait for OpenClaw's own lock (field notes on OAuth, 2). */
export const leaseMs: Milliseconds = 3 * minute;

/** A login whose life is shorter than this is refreshed by its own measure alone. */
const longLifeMs: Milliseconds = 30 * minute;
/** What lives longer is refreshed at least this long before its end. */
const reserveMs: Milliseconds = 10 * minute;
/** A provider whose tokens hardly live is not asked more often than this. */
const pauseMsMin: Milliseconds = 5 * second;
/** Refreshes are spread over this part of a life, around two thirds of it: logins of one sign-in hour end in one hour. */
const spread = 1 / 15;

/** What is known of the life of a login. */
export interface Life {
  readonly access: Fingerprint;
  /** Null: it has no end. */
  readonly expiresAt: Instant | null;
  /** By the issuer's word. */
  readonly issuedAt?: Instant | undefined;
  /** When the fleet first had it. */
  readonly acceptedAt: Instant;
}

/**
 * When a login is due to be refreshed: at two thirds of its life, a little earlier or later by a measure of its own that
 * stays the same. Null: never.
 */
export function refreshDueAt({ access, expiresAt, issuedAt, acceptedAt }: Life): Instant | null {
  if (expiresAt === null) return null;
  const begunAt = issuedAt !== undefined && issuedAt < expiresAt ? issuedAt : Math.min(acceptedAt, expiresAt);
  const lifeMs = expiresAt - begunAt;
  const share = 2 / 3 + spread * (fraction(Number.parseInt(access.slice(0, 8), 16)) - 0.5);
  const due = begunAt + Math.floor(lifeMs * share);
  const early = lifeMs > longLifeMs ? Math.min(due, expiresAt - reserveMs) : due;
  // The issuer's clock and the fleet's may be apart: what a refresh has brought is not due at once for that.
  // Nor is it put off by a coordinator's clock that was ahead then and has been set since.
  const hadAt = Math.min(acceptedAt, expiresAt);
  const restMs = Math.max(pauseMsMin, Math.floor((expiresAt - hadAt) / 3));
  return Math.max(early, hadAt + restMs);
}

/** How an attempt to refresh ended, where it brought no new login. */
export type Miss =
  /** Nothing was sent: the lease is given back. */
  | 'unused'
  /** The provider was not reached, or said that it cannot do it now: the refresh token is not spent. */
  | 'postponed'
  /** It was sent and not answered: whether the refresh token is spent nobody knows. */
  | 'unanswered'
  /** The provider takes the refresh token no more (`invalid_grant`, RFC 6749, 5.2). */
  | 'refused';
