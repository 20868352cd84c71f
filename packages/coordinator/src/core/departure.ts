import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import { commitRecord } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { endInvitesOf, eraseExpired } from './expiry.ts';
import { tellAllHolders } from './holding.ts';
import type { LeasesState } from './lease/leases.ts';
import { forgetAble, wake } from './lease/service.ts';
import { leaseOf } from './lease/standing.ts';
import { nodeLeft } from './pool/claims.ts';
import { copiesKey, type Departure, nodeKey } from './record.ts';
import { releaseRotations } from './rotation/steps.ts';
import { forgetSecrets } from './secrets/secrets.ts';
import type { CoordinatorState, PendingRecord, Session } from './state.ts';

/*
 * A node ends its membership. One record says both that it is gone and which refresh tokens stayed in its stores: so no
 * crash leaves the one without the other, and none of them is ever used by the fleet again.
 */

type PendingDeparture = Extract<PendingRecord, { type: 'departure' }>;

/** A node leaves; answered when that is durable. Not while a lease may be spending what it takes along. */
export function leave(
  state: CoordinatorState,
  { link, node: id }: Session,
  request: number,
  keeps: readonly Fingerprint[],
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const node = state.nodes.get(id);
  const key = nodeKey(id);
  if (!node) return;
  const obstacle = state.pendingRecords.has(key)
    ? 'the record of this node is being written'
    : leaseInTheWay(state, id, keeps);
  if (obstacle !== undefined) {
    const body = { type: 'problem', code: 'ERR_BUSY', message: `${obstacle}: try again in a moment` } as const;
    return answer(effects, link, request, body);
  }
  const left: Departure = { at, keeps };
  // From now on, for a lease would be given before this is durable.
  keepAway(state.leases, node.record.name, left);
  forgetAble(state, id);
  const record = { ...node.record, left };
  const pending = { type: 'departure', link, request, record, expected: node.storeRevision, failed: false } as const;
  commitRecord(state, key, pending, effects);
}

/** Nobody refreshes with what stayed in the stores of a host that left. */
export function keepAway(leases: LeasesState, node: string, { at, keeps }: Departure): void {
  for (const refresh of keeps) leases.departed.set(refresh, { node, since: at });
}

/** The end of the membership is durable: the node is told, and nothing waits for it any more. */
export function settleDeparture(
  state: CoordinatorState,
  { link, request, record }: PendingDeparture,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { id } = record;
  state.nodes.delete(id);
  for (const { nodes } of state.leases.vaulted.values()) nodes.delete(id);
  state.leases.withheld.delete(id);
  nodeLeft(state, id);
  forgetCopies(state, record, effects);
  forgetSecrets(state, id, effects);
  releaseRotations(state, at, effects);
  endInvitesOf(state, id, at);
  eraseExpired(state, at, effects);
  for (const account of [...state.leases.starved]) wake(state, account, at);
  // Where one disk fewer is asked for, enough may hold a refresh token as it is.
  for (const account of state.leases.vaulted.keys()) tellAllHolders(state, account, effects);
  effects.push(note('node-left', { node: id }), { type: 'audit', entry: { at, action: 'leave', node: id } });
  answer(effects, link, request, { type: 'left', remaining: state.nodes.size });
  for (const session of state.sessions.values()) {
    if (session.node === id) effects.push({ type: 'close-link', link: session.link, reason: 'unknownNode' });
  }
}

/** Another writer was first: the node asks again. */
export function departureConflicted(
  state: CoordinatorState,
  { link, request, record }: PendingDeparture,
  storeRevision: number,
  effects: CoordinatorEffect[],
): void {
  const node = state.nodes.get(record.id);
  if (node) state.nodes.set(record.id, { ...node, storeRevision });
  for (const refresh of record.left?.keeps ?? []) state.leases.departed.delete(refresh);
  const message = 'the coordinator’s store was changed meanwhile: try again';
  answer(effects, link, request, { type: 'problem', code: 'ERR_BUSY', message });
}

/** A lease that this node has, or one of a login that it takes along. */
function leaseInTheWay(
  { accounts, nodes }: CoordinatorState,
  id: Session['node'],
  keeps: readonly Fingerprint[],
): string | undefined {
  const kept = new Set(keeps);
  for (const { record, pending } of accounts.values()) {
    const lease = leaseOf(pending?.record ?? record);
    if (!lease) continue;
    const refresh = record.current?.refresh;
    if (lease.node === id) return 'this node is refreshing a login';
    if (refresh !== undefined && kept.has(refresh))
      return `${nodes.get(lease.node)?.record.name ?? 'another node'} is refreshing a login that this node keeps`;
  }
  return undefined;
}

function forgetCopies(state: CoordinatorState, { id }: PendingDeparture['record'], effects: CoordinatorEffect[]): void {
  const away = state.away.get(id);
  const key = copiesKey(id);
  state.away.delete(id);
  if (!away || away.storeRevision === 0 || state.pendingRecords.has(key)) return;
  const record = { node: id, copies: [] };
  commitRecord(state, key, { type: 'copies', record, expected: away.storeRevision, failed: false }, effects);
}

function answer(effects: CoordinatorEffect[], link: number, request: number, body: AnswerBody): void {
  effects.push({ type: 'send', link, message: { type: 'answer', request, body } });
}
