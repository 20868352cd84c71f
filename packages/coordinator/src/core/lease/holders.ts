import type { AccountId, NodeId } from '@authmesh/shared/core/identifiers';
import { type Instant, minute } from '@authmesh/shared/core/time';
import { awayCopiesOf, awayCopyOf } from '../away.ts';
import type { AwayCopy } from '../record.ts';
import type { CoordinatorState, NodeEntry } from '../state.ts';
import type { Renewable } from './standing.ts';

/*
 * Where refresh tokens stand in stores, as far as the nodes have told: what stands in one, its OpenClaw may use.
 */

/** OpenClaw refreshes from 5 minutes before the end on (2026.4.20); its clock and the fleet's may be a minute apart. */
const openclawMarginMs = 6 * minute;

/** The nodes whose stores hold the refresh token, those that are away among them. */
export function holdersOf(
  state: CoordinatorState,
  account: AccountId,
  current: { readonly access: string; readonly refresh?: string | undefined },
): NodeEntry[] {
  const holders: NodeEntry[] = [];
  for (const id of state.holders.get(account) ?? []) {
    const node = state.nodes.get(id);
    if (node && (holdsNow(node, account, current) || heldBefore(state, id, node, account, current))) holders.push(node);
  }
  return holders;
}

/** Whether its agent can take the refresh token out of every store that holds it. */
export function givesUp(
  { copies }: NodeEntry,
  account: AccountId,
  { refresh }: { readonly refresh?: string | undefined },
): boolean {
  const holding = [...copies.values()].filter(
    ({ observation }) => observation.account === account && observation.refresh === refresh,
  );
  return holding.length > 0 && holding.every(({ observation: { health } }) => health === 'sound');
}

function holdsNow(
  { copies }: NodeEntry,
  account: AccountId,
  { refresh }: { readonly refresh?: string | undefined },
): boolean {
  for (const { observation } of copies.values()) {
    // A store that cannot be read now holds what it held.
    if (observation.account === account && observation.refresh === refresh) return true;
  }
  return false;
}

function heldBefore(
  state: CoordinatorState,
  id: NodeId,
  { copies }: NodeEntry,
  account: AccountId,
  { access }: { readonly access: string },
): boolean {
  return awayCopiesOf(state, id, copies).some(
    copy => copy.account === account && copy.spendable && copy.access === access,
  );
}

/** A node of which a pair was reported that the fleet has yet to hear: the current login may have been renewed into it. */
export function unheardAt(state: CoordinatorState, account: AccountId, current: Renewable): NodeEntry | undefined {
  for (const id of state.holders.get(account) ?? []) {
    const node = state.nodes.get(id);
    if (!node) continue;
    const reported = [...node.copies.values()].filter(({ observation }) => observation.account === account);
    const copies = [...reported.map(awayCopyOf), ...keptSince(state, node, current)];
    if (copies.some(copy => copy.account === account && isUnheard(copy, current))) return node;
  }
  return undefined;
}

/**
 * What a node that is away was seen to have since the login is the current one. What it had before is about another, and would
 * keep this one from being renewed for as long as a host stays away that may be gone for good.
 */
export function keptSince(
  state: CoordinatorState,
  { record, copies }: NodeEntry,
  { acceptedAt, why }: Pick<Renewable, 'acceptedAt' | 'why'>,
): AwayCopy[] {
  // What an operator took the fleet back to was used by anybody before.
  const since = why === 'restored' ? Number.NEGATIVE_INFINITY : acceptedAt;
  return awayCopiesOf(state, record.id, copies).filter(({ seenAt }) => seenAt >= since);
}

/** A pair that was reported and has not come yet. */
function isUnheard({ health, access, spendable, verdict }: AwayCopy, current: Renewable): boolean {
  const isAwaited = verdict === 'wanted' || verdict === 'waits';
  return health === 'sound' && spendable && access !== current.access && isAwaited;
}

/**
 * From when on any OpenClaw that has its refresh token may be refreshing it. A login that is known to hardly live would never be
 * outside that: a sixth of its life counts there.
 */
export function endsSoonAt({ expiresAt, issuedAt, acceptedAt, why }: Renewable): Instant {
  const begunAt = issuedAt ?? (why === 'renewed' ? acceptedAt : Number.NEGATIVE_INFINITY);
  return Math.floor(expiresAt - Math.min(openclawMarginMs, (expiresAt - begunAt) / 6));
}

/** Until when the login may be used, however late its holder hears of its lease; undefined: no other host has it. */
export function latestUse(state: CoordinatorState, account: AccountId, current: Renewable): Instant | undefined {
  return holdersOf(state, account, current).length > 1 ? endsSoonAt(current) : undefined;
}
