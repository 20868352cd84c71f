import { type AccountId, accountProvider, type Fingerprint } from '@authmesh/shared/core/identifiers';
import type { AccountRecord } from '../record.ts';
import type { CoordinatorState } from '../state.ts';
import { haltOf, leaseOf } from './standing.ts';

/*
 * One login under two names: where a store says nothing of whose a login is, the profile's name has to do, and a copy by hand
 * under another name makes an account of its own. Their refresh token is one all the same, and is used once
 * (docs/decisions/0039).
 */

/** Another account that is using the refresh token, or has used it up. */
export function otherSpender(
  { leases, accounts }: CoordinatorState,
  account: AccountId,
  refresh: Fingerprint,
): AccountRecord | undefined {
  const id = leases.spenders.get(refresh);
  const other = id === undefined || id === account ? undefined : accounts.get(id);
  if (!other || accountProvider(other.record.account) !== accountProvider(account)) return undefined;
  const { current } = other.record;
  const using = other.pending?.record ?? other.record;
  const isUsing = current?.refresh === refresh && (leaseOf(using) ?? haltOf(using)) !== undefined;
  return isUsing || other.lineage.spent.has(refresh) ? other.record : undefined;
}

/** The account is about to use it, or it is in doubt there. That another has used it up is not forgotten for that. */
export function noteSpender({ leases, accounts }: CoordinatorState, account: AccountId, refresh: Fingerprint): void {
  const before = leases.spenders.get(refresh);
  const isSpent = before !== undefined && before !== account && accounts.get(before)?.lineage.spent.has(refresh);
  if (!isSpent) leases.spenders.set(refresh, account);
}

/** The account has used up what its record says, besides what was `known`. */
export function noteSpent(
  { leases }: CoordinatorState,
  known: ReadonlySet<Fingerprint>,
  { account, spent }: AccountRecord,
): void {
  for (const refresh of spent) if (!known.has(refresh)) leases.spenders.set(refresh, account);
}
