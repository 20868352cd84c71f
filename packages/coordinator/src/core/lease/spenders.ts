import { type AccountId, accountProvider, type Fingerprint } from '@authmesh/shared/core/identifiers';
import type { AccountRecord } from '../record.ts';
import type { CoordinatorState } from '../state.ts';
import { haltOf, leaseOf } from './standing.ts';

/*
 * One login under two names: where a store says nothing of whose a login is, the profile's name has to do, and a copy by hand
 * under another name makes an account of its own. Their refresh token is one all the same, and is used once
 * (docs/decisions/0039).
 */

/**
 * Another account that is using the refresh token, has used it up, or comes first: the one that has had the same login later,
 * for the other may be what a store called it before. Where that one was put off the turn is the other's.
 */
export function otherSpender(
  { leases, accounts }: CoordinatorState,
  account: AccountId,
  refresh: Fingerprint,
): AccountRecord | undefined {
  const id = leases.spenders.get(refresh);
  if (id === undefined || id === account || accountProvider(id) !== accountProvider(account)) return undefined;
  const other = accounts.get(id);
  if (!other) return undefined;
  if (other.lineage.spent.has(refresh)) return other.record;
  const { current } = other.record;
  if (current?.refresh !== refresh) return undefined;
  const using = other.pending?.record ?? other.record;
  const isUsing = (leaseOf(using) ?? haltOf(using)) !== undefined;
  const isFirst = current.access === accounts.get(account)?.record.current?.access && !leases.tries.has(id);
  return isUsing || isFirst ? other.record : undefined;
}

/** The account has it, or is about to use it. That another has used it up is not forgotten for that. */
export function noteSpender({ leases, accounts }: CoordinatorState, account: AccountId, refresh: Fingerprint): void {
  const before = leases.spenders.get(refresh);
  if (before === account) return;
  const isSpent = before !== undefined && accounts.get(before)?.lineage.spent.has(refresh);
  if (!isSpent) leases.spenders.set(refresh, account);
}

/** After a start: what every account has used up, and who has had each login last. */
export function noteAll(state: CoordinatorState): void {
  const { accounts } = state;
  for (const { record } of accounts.values()) noteSpent(state, new Set(), record);
  for (const [account, { record }] of accounts) {
    const { refresh, acceptedAt = 0 } = record.current ?? {};
    const before = refresh === undefined ? undefined : accounts.get(state.leases.spenders.get(refresh) ?? account);
    const isLater = acceptedAt >= (before?.record.current?.acceptedAt ?? 0);
    if (refresh !== undefined && isLater) noteSpender(state, account, refresh);
  }
}

/** The account has used up what its record says, besides what was `known`. */
export function noteSpent(
  { leases }: CoordinatorState,
  known: ReadonlySet<Fingerprint>,
  { account, spent }: AccountRecord,
): void {
  for (const refresh of spent) if (!known.has(refresh)) leases.spenders.set(refresh, account);
}
