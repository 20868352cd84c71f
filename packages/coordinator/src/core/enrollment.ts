import type { FleetId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import type { Enroll } from '@authmesh/shared/protocol/handshake';
import { protocolProblem } from './admission.ts';
import { commitRecord } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import type { LinkId } from './event.ts';
import { type InviteRecord, type NodeRecord, nodeKey } from './record.ts';
import { type CoordinatorState, createNodeEntry, fleetOf } from './state.ts';

type ProvenEnroll = Omit<Enroll, 'type'>;

/** A peer proved that it has an invite's secret: it becomes a member once its record is durable. */
export function enrollProved(
  state: CoordinatorState,
  link: LinkId,
  enroll: ProvenEnroll,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const invite = state.invites.get(enroll.invite);
  const known = state.nodes.get(enroll.node);
  const problem = protocolProblem(enroll.protocol);
  if (problem) {
    effects.push({ type: 'refuse', link, reason: 'protocolVersion', message: problem });
    return;
  }
  // The answer to a first try may have been lost: the same node with the same code is the same use of it.
  if (invite && known && isSameUse(invite.record, known.record, enroll)) {
    admit(state, link, known.record, invite.record, effects);
    return;
  }
  if (isUnderWay(state, link, enroll)) return;
  if (state.mode === 'draining') {
    effects.push(note('node-refused', { node: enroll.node, why: 'draining' }));
    effects.push({ type: 'refuse', link, reason: 'draining', message: 'the coordinator is stopping; try again' });
    return;
  }
  const refusal = refusalOf(state, enroll, at);
  if (refusal !== undefined || !invite) {
    effects.push(note('node-refused', { node: enroll.node, why: 'invite' }));
    effects.push({ type: 'refuse', link, reason: 'refused', message: refusal ?? '' });
    return;
  }
  const record: NodeRecord = {
    id: enroll.node,
    name: freeName(state, enroll.name),
    publicKey: enroll.publicKey,
    boxKey: enroll.boxKey,
    joinedAt: at,
    invite: enroll.invite,
    invitedBy: invite.record.createdBy,
    inviteSignature: enroll.inviteSignature,
    version: enroll.version,
    lastSeen: null,
  };
  commitRecord(state, nodeKey(record.id), { type: 'enroll', link, record, expected: 0, failed: false }, effects);
}

/** A code that has expired since has nothing left to give: its secrets were erased. */
function isSameUse(invite: InviteRecord, node: NodeRecord, enroll: ProvenEnroll): boolean {
  const canGive = invite.sealed !== null || invite.createdBy === null;
  return canGive && node.invite === enroll.invite && node.publicKey === enroll.publicKey;
}

/** The same try once more, before the first one is durable: the answer goes to where the peer is now. */
function isUnderWay(state: CoordinatorState, link: LinkId, enroll: ProvenEnroll): boolean {
  const key = nodeKey(enroll.node);
  const pending = state.pendingRecords.get(key);
  if (pending?.type !== 'enroll') return false;
  if (pending.record.invite !== enroll.invite || pending.record.publicKey !== enroll.publicKey) return false;
  state.pendingRecords.set(key, { ...pending, link });
  return true;
}

function refusalOf(state: CoordinatorState, enroll: ProvenEnroll, at: Instant): string | undefined {
  const invite = state.invites.get(enroll.invite);
  if (!invite || invite.record.publicKey !== enroll.inviteKey) {
    return 'this coordinator does not know this join code: it belongs to another fleet, or the coordinator’s data is not what it was; make a new one with `authmesh-agent invite`';
  }
  const { record, used } = invite;
  if (record.createdBy === null && state.founder !== null) {
    return 'the founding code was used already: on a host of the fleet, run `authmesh-agent invite` for a new code';
  }
  if (record.expiresAt !== null && record.expiresAt <= at) {
    return 'this join code has expired: run `authmesh-agent invite` for a new one';
  }
  if (used + usesPending(state, record) >= record.uses) {
    return `this join code was used ${record.uses === 1 ? 'already' : `${record.uses} times already`}: run \`authmesh-agent invite\` for a new one`;
  }
  if (state.nodes.has(enroll.node) || state.pendingRecords.has(nodeKey(enroll.node))) {
    return 'this host is a member already, nothing needs to be done; the code was not used';
  }
  return undefined;
}

function usesPending(state: CoordinatorState, invite: InviteRecord): number {
  let uses = 0;
  for (const pending of state.pendingRecords.values()) {
    if (pending.type === 'enroll' && pending.record.invite === invite.id) uses++;
  }
  return uses;
}

/** The wanted name, or the first free one with a number behind it: host names repeat, members must not. */
function freeName(state: CoordinatorState, wanted: string): string {
  const taken = new Set<string>();
  for (const node of state.nodes.values()) taken.add(node.record.name);
  for (const pending of state.pendingRecords.values()) if (pending.type === 'enroll') taken.add(pending.record.name);
  if (!taken.has(wanted)) return wanted;
  for (let number = 2; ; number++) {
    const name = `${wanted.slice(0, 58)}-${number}`;
    if (!taken.has(name)) return name;
  }
}

/** The member's record is durable. */
export function settleEnrollment(
  state: CoordinatorState,
  link: LinkId,
  record: NodeRecord,
  storeRevision: number,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const invite = state.invites.get(record.invite);
  if (!invite) return;
  state.nodes.set(record.id, createNodeEntry(record, storeRevision, at));
  state.invites.set(record.invite, { ...invite, used: invite.used + 1 });
  if (record.invitedBy === null) state.founder = record.id;
  effects.push(note('node-joined', { node: record.id }));
  effects.push({ type: 'audit', entry: { at, action: 'join', node: record.id, details: `invite ${record.invite}` } });
  admit(state, link, record, invite.record, effects);
}

function admit(
  state: CoordinatorState,
  link: LinkId,
  record: NodeRecord,
  invite: InviteRecord,
  effects: CoordinatorEffect[],
): void {
  const fleet: FleetId | null = fleetOf(state);
  if (fleet !== null) effects.push({ type: 'admit', link, fleet, name: record.name, sealed: invite.sealed });
}
