import {
  type AccountId,
  accountLabel,
  accountProvider,
  type Fingerprint,
  type NodeId,
} from '@authmesh/shared/core/identifiers';
import { leaseMs } from '@authmesh/shared/core/lease';
import { firstMatch } from '@authmesh/shared/core/patterns';
import { type Instant, isUsable, minute } from '@authmesh/shared/core/time';
import type { LinkId } from '../event.ts';
import type { AccountRecord } from '../record.ts';
import type { CoordinatorState, NodeEntry } from '../state.ts';
import { endsSoonAt, givesUp, holdersOf, keptSince, unheardAt } from './holders.ts';
import { otherSpender } from './spenders.ts';
import type { Renewable } from './standing.ts';

/** A node whose clock is further off judges certificates wrongly: another one is better, where there is one. */
const clockOffsetMsMax = 5 * minute;

/** Who is to refresh, or why nobody can, and when that may be over though nobody says so. */
export type Choice =
  | { readonly node: NodeId; readonly link: LinkId }
  | { readonly why: string; readonly againAt?: Instant };

/**
 * A refresh token that stands in a store is used where it stands, for its OpenClaw uses it without asking: its host takes it
 * out of the stores before. One that stands in none may be used by any node that can: those that the operator prefers
 * first, then the home, then the one it came from, then another.
 */
export function chooseNode(state: CoordinatorState, record: AccountRecord, current: Renewable): Choice {
  const { account } = record;
  const provider = accountProvider(account);
  const departed = state.leases.departed.get(current.refresh as Fingerprint);
  if (departed) return { why: `a store of ${departed.node}, which left the fleet, holds its refresh token` };
  const twin = otherSpender(state, account, current.refresh as Fingerprint);
  if (twin) {
    const why = `it is one login with ${accountLabel(twin.account)}, for which its refresh token is used`;
    return { why, againAt: state.at + leaseMs };
  }
  const fencing = fencingNode(state, account, current);
  if (fencing) return { why: `OpenClaw is refreshing it on ${fencing.record.name}` };
  const withheld = withholder(state, current);
  if (withheld)
    return { why: `a store of ${withheld.record.name} holds its refresh token, and is kept out of the fleet` };
  const silent = silentHome(state, current);
  if (silent) return { why: `its home ${silent.record.name} was not heard since the coordinator’s start` };
  const unheard = unheardAt(state, account, current);
  if (unheard)
    return { why: `a store of ${unheard.record.name} holds another login of it, of which the fleet has yet to hear` };
  const holders = holdersOf(state, account, current);
  const [holder, another] = holders;
  if (holder && another && endsSoonAt(current) <= state.at) return { why: leftToBoth(holder, another) };
  const connected = state.leases.able.get(provider) ?? new Set<NodeId>();
  const giving = holders.filter(one => connected.has(one.record.id) && givesUp(one, account, current));
  const able = holder ? new Set(giving.map(one => one.record.id)) : connected;
  const chosen = firstOf(state, record, current, able);
  if (chosen === undefined)
    return { why: holder ? leftTo(holder) : `no node that is connected can refresh at ${provider}` };
  const link = state.nodes.get(chosen)?.link;
  return link === undefined ? { why: 'the node is gone' } : { node: chosen, link };
}

function leftToBoth(one: NodeEntry, other: NodeEntry): string {
  const names = `${one.record.name} and ${other.record.name}`;
  return `stores of ${names} hold its refresh token, and it ends soon: their OpenClaw refreshes it`;
}

function leftTo({ record: { name } }: NodeEntry): string {
  return `a store of ${name} holds its refresh token: its OpenClaw refreshes it`;
}

/**
 * The best of the nodes that are able: one with a sane clock that is not the one that has just failed, or as close to that
 * as there is; among equals the favourite.
 */
function firstOf(
  state: CoordinatorState,
  record: AccountRecord,
  current: Renewable,
  able: ReadonlySet<NodeId>,
): NodeId | undefined {
  const tried = state.leases.tries.get(record.account);
  const avoided = tried?.access === current.access ? tried.node : undefined;
  const favoured = [...preferredNodes(state, record), current.home, current.origin];
  const isSane = (id: NodeId): boolean => hasSaneClock(state, id);
  const isOther = (id: NodeId): boolean => id !== avoided;
  for (const isFit of [(id: NodeId) => isSane(id) && isOther(id), isSane, isOther, () => true]) {
    const favourite = favoured.find(id => able.has(id) && isFit(id));
    if (favourite !== undefined) return favourite;
    // Spread over those that can, by the login itself: each refresh of many accounts has its own node.
    const fit = [...able].filter(isFit);
    if (fit.length > 0) return fit[Number.parseInt(current.access.slice(0, 8), 16) % fit.length];
  }
  return undefined;
}

/** The nodes that the operator names for the account, in that order. */
function preferredNodes({ leases, nodes }: CoordinatorState, { account, profile }: AccountRecord): NodeId[] {
  const subject = { provider: accountProvider(account), account: accountLabel(account), profile };
  const names = firstMatch(leases.prefer, subject) ?? [];
  return names.flatMap(name =>
    [...nodes.values()].filter(({ record }) => record.name === name).map(one => one.record.id),
  );
}

function hasSaneClock(state: CoordinatorState, id: NodeId): boolean {
  const link = state.nodes.get(id)?.link;
  const session = link === undefined ? undefined : state.sessions.get(link);
  return session !== undefined && Math.abs(session.clockOffsetMs) <= clockOffsetMsMax;
}

/** A node whose OpenClaw is refreshing the account, by its fence; also one that was when it was last heard. */
function fencingNode(state: CoordinatorState, account: AccountId, current: Renewable): NodeEntry | undefined {
  const isPending = (copy: { readonly account: AccountId; readonly health: string }) =>
    copy.account === account && copy.health === 'fence-pending';
  for (const id of state.leases.fenced.get(account) ?? []) {
    const node = state.nodes.get(id);
    if (!node) continue;
    for (const { observation } of node.copies.values()) if (isPending(observation)) return node;
    if (keptSince(state, node, current).some(isPending)) return node;
  }
  return undefined;
}

/**
 * The login's home, where nothing was heard of it since the start and nothing is kept of before: its stores may hold the
 * refresh token. When the login has ended there is nothing left to wait for.
 */
function silentHome(
  state: CoordinatorState,
  { home, origin, expiresAt, acceptedAt }: Renewable,
): NodeEntry | undefined {
  const node = state.nodes.get(home);
  if (!node || !isUsable(expiresAt, state.at)) return undefined;
  const kept = state.away.get(home);
  // What is kept of a time before it brought the login itself is of another link: a coordinator that was killed wrote no later one down.
  const isOutdated = kept?.copies !== undefined && origin === home && (node.lastSeen ?? 0) < acceptedAt;
  return kept === undefined || isOutdated ? node : undefined;
}

/** A node that keeps a copy with the refresh token out of the fleet's care. */
function withholder({ leases, nodes }: CoordinatorState, current: Renewable): NodeEntry | undefined {
  for (const [id, withheld] of leases.withheld) if (withheld.has(current.refresh as Fingerprint)) return nodes.get(id);
  return undefined;
}
