import { refreshDueAt } from '@authmesh/shared/core/lease';
import { type Instant, isAhead, isUsable } from '@authmesh/shared/core/time';
import type { AccountRecord } from '../record.ts';
import type { Tries } from './leases.ts';
import type { Halt, RefreshRecord } from './refresh-record.ts';

/** A login that ends and can be renewed. */
export type Renewable = NonNullable<AccountRecord['current']> & {
  readonly refresh: string;
  readonly expiresAt: Instant;
};

/** The current login of an account, if it is one that is renewed. */
export function renewableOf({ kind, current }: AccountRecord): Renewable | undefined {
  if (kind !== 'oauth' || current?.refresh === undefined || current.expiresAt === null) return undefined;
  return current as Renewable;
}

/** What is known of the refreshing of the current login; of one before it nothing counts. */
function refreshOf({ refresh, current }: AccountRecord): RefreshRecord | undefined {
  const isOfCurrent = refresh?.access === current?.access && refresh?.refresh === current?.refresh;
  return isOfCurrent ? refresh : undefined;
}

export function leaseOf(record: AccountRecord): RefreshRecord['lease'] {
  return refreshOf(record)?.lease;
}

export function haltOf(record: AccountRecord): Halt | undefined {
  return refreshOf(record)?.halt;
}

/**
 * When the account has to be looked at, whatever else happens; null: not before something else happens. What a clock that was
 * ahead has dated, and has been set back since, cannot be reckoned with: a lease is over, a login due.
 */
export function lookAt(record: AccountRecord, tries: Tries | undefined, now: Instant): Instant | null {
  const current = renewableOf(record);
  if (!current) return null;
  const lease = leaseOf(record);
  if (lease) return isAhead(lease.since, now) ? now : lease.until;
  const halt = haltOf(record);
  if (halt?.state === 'needs-login') return null;
  const dueAt = isAhead(current.acceptedAt, now) ? now : (refreshDueAt(current) ?? current.expiresAt);
  // While its access token lives, a login in doubt is left alone: somebody may still come with what came of it.
  return Math.max(halt ? current.expiresAt : dueAt, tries?.access === current.access ? tries.notBefore : 0);
}

/**
 * Whether the one guarded attempt is due at a login in doubt: an OpenClaw may have spent its refresh token, its access
 * token has ended, and nobody came with anything newer. One that the fleet itself has sent is not sent twice
 * (docs/decisions/0030).
 */
export function isGuardedAttemptDue(record: AccountRecord, at: Instant): boolean {
  const halt = haltOf(record);
  const current = renewableOf(record);
  return (
    halt?.state === 'in-doubt' && halt.by === 'openclaw' && current !== undefined && !isUsable(current.expiresAt, at)
  );
}
