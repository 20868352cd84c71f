import type {
  AccountId,
  Fingerprint,
  FleetId,
  InviteId,
  NodeId,
  ProfileId,
  Sealed,
  StoreId,
} from '@authmesh/shared/core/identifiers';
import type { Prints } from '@authmesh/shared/core/lineage';
import type { Instant } from '@authmesh/shared/core/time';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import type { Attest, Enroll } from '@authmesh/shared/protocol/handshake';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { Question } from '@authmesh/shared/protocol/question';
import type { CoordinatorEffect } from './effect.ts';
import type { CoordinatorEvent, LinkId } from './event.ts';
import { type InviteRecord, type NodeRecord, poolsKey, type RecordKey } from './record.ts';
import type { CoordinatorState } from './state.ts';
import { createCoordinatorState, type StoredState } from './stored-state.ts';
import { transition } from './transition.ts';

/* The coordinator's machine on a stage: tests tell it what happened and look at what it wants done. */

export const founder = 'a'.repeat(32) as NodeId;
export const fleet = founder as string as FleetId;
export const guest = 'b'.repeat(32) as NodeId;
export const invite = 'c'.repeat(32) as InviteId;
export const account = 'oauth:xai/acct_1' as AccountId;
export const profile = 'xai:default' as ProfileId;
export const store = '/home/claw/auth-profiles.json' as StoreId;
export const start: Instant = 1_800_000_000_000;

/** A fingerprint that is easy to tell from others: 32 times a hex digit. */
export const print = (digit: string) => digit.repeat(32) as Fingerprint;
/** The sealed record of such a credential, as far as the coordinator knows it. */
export const sealedOf = (digit: string) => digit.repeat(4) as Sealed;

export function nodeRecord(id: NodeId, name: string, more: Partial<NodeRecord> = {}): NodeRecord {
  const keys = { publicKey: `key ${id}`, boxKey: `box ${id}`, inviteSignature: 'signed' };
  return { id, name, ...keys, joinedAt: start, invite, invitedBy: founder, version: '1', lastSeen: null, ...more };
}

export function inviteRecord(more: Partial<InviteRecord> = {}): InviteRecord {
  const made = { createdBy: founder, createdAt: start, expiresAt: start + 900_000, signature: 'signed' };
  return { id: invite, publicKey: 'invite key', uses: 1, sealed: sealedOf('5'), ...made, ...more };
}

export function attestOf(node: NodeId, more: Partial<Attest> = {}): Omit<Attest, 'type' | 'signature'> {
  const proof = { protocol: 1, serverNonce: '', nonce: '', publicKey: `key ${node}`, version: '1', epoch: 1 };
  return { node, fleet, role: 'daemon', at: start, ...proof, ...more };
}

export function enrollOf(node: NodeId, more: Partial<Enroll> = {}): Omit<Enroll, 'type'> {
  const keys = { publicKey: `key ${node}`, boxKey: `box ${node}`, inviteKey: 'invite key' };
  const proof = { protocol: 1, serverNonce: '', nonce: '', inviteSignature: 'signed', signature: '' };
  return { invite, node, name: 'pc-b', version: '1', at: start, ...keys, ...proof, ...more };
}

/** The names of fingerprints as a chain, newest first. */
export function chain(...digits: readonly string[]): Prints[] {
  return digits.map(digit => ({ access: print(digit) }));
}

/** A sound login of the account as a node reports it; `more` says what is special about it. */
export function observed(access: string, more: Partial<Observation> = {}): Observation {
  const common = { store, profile, account, identity: 'account', kind: 'oauth', health: 'sound' } as const;
  return { ...common, access: print(access), expiresAt: null, chain: [], ...more };
}

/** One machine with its own clock. */
export interface Scene {
  readonly tell: (event: CoordinatorEvent) => readonly CoordinatorEffect[];
  /** Tells it, and that every write it asks for is durable, until nothing is left to write. */
  readonly through: (event: CoordinatorEvent) => readonly CoordinatorEffect[];
  readonly persist: (key: RecordKey) => readonly CoordinatorEffect[];
  readonly connect: (link: LinkId, node: NodeId, more?: Partial<Attest>) => readonly CoordinatorEffect[];
  readonly ask: (link: LinkId, question: Question) => readonly CoordinatorEffect[];
  readonly pass: (ms: number) => void;
  /** Somebody sets the wall clock; time passes as before. */
  readonly setClock: (byMs: number) => void;
  readonly state: () => CoordinatorState;
}

/** A coordinator that has just started on a fleet of two, with whatever else its store held. */
export function createScene(stored: Partial<StoredState> = {}): Scene {
  let state = createCoordinatorState({
    fleet: { record: { epoch: 1 }, storeRevision: 1 },
    nodes: [
      { record: nodeRecord(founder, 'pc-a', { invitedBy: null }), storeRevision: 1 },
      { record: nodeRecord(guest, 't440'), storeRevision: 1 },
    ],
    invites: [],
    accounts: [],
    policy: { allow: ['*'], deny: [] },
    ...stored,
  });
  let at = start;
  let skew = 0;
  let storeRevision = 100;
  const tell = (event: CoordinatorEvent) => {
    const passed = at - start - skew;
    const step = transition(state, { at, elapsed: passed, awake: passed, seed: 1, event });
    state = step.state;
    freezeLeaves(state);
    return step.effects;
  };
  const persist = (key: RecordKey) => tell({ type: 'persist-succeeded', key, storeRevision: ++storeRevision });
  return {
    tell,
    through(event) {
      const all = [...tell(event)];
      for (const effect of all) if (effect.type === 'compare-and-set') all.push(...persist(effect.key));
      return all;
    },
    persist,
    connect: (link, node, more) => tell({ type: 'attested', link, attest: attestOf(node, { at, ...more }) }),
    ask: (link, question) => tell({ type: 'frame-received', link, message: { type: 'ask', request: 9, question } }),
    pass: ms => {
      at += ms;
    },
    setClock: byMs => {
      at += byMs;
      skew += byMs;
    },
    state: () => state,
  };
}

/** Starts the coordinator, and lets its epoch of permits be durable: from here on it may grant some. */
export function persistPools(scene: Scene): void {
  scene.tell({ type: 'started' });
  scene.persist(poolsKey);
}

/** A node's report of a login with the record that goes with it. */
export function publish(link: LinkId, observation: Observation, generation = 1): CoordinatorEvent {
  const digit = observation.access?.charAt(0) ?? '0';
  return {
    type: 'frame-received',
    link,
    message: { type: 'publish', observation, generation, sealed: sealedOf(digit) },
  };
}

/** A node's report of what stands on its disk, metadata alone. */
export function acknowledge(link: LinkId, ...observations: Observation[]): CoordinatorEvent {
  return { type: 'frame-received', link, message: { type: 'acknowledge', observations, gone: [] } };
}

/** Leaves are replaced, never changed: an old reference, or a write on its way to the store, would see the change. */
function freezeLeaves({ accounts, nodes, sessions, invites, pendingRecords }: CoordinatorState): void {
  for (const entry of accounts.values()) {
    Object.freeze(entry);
    freeze(entry.record);
    freeze(entry.pending?.record);
  }
  for (const node of nodes.values()) {
    Object.freeze(node);
    for (const copy of node.copies.values()) freeze(copy);
  }
  for (const session of sessions.values()) Object.freeze(session);
  for (const leaves of [invites, pendingRecords]) for (const leaf of leaves.values()) freeze(leaf);
}

function freeze(leaf: unknown): void {
  if (typeof leaf !== 'object' || leaf === null || Object.isFrozen(leaf)) return;
  Object.freeze(leaf);
  for (const part of Object.values(leaf)) freeze(part);
}

/** The effects of one kind. */
export function only<Type extends CoordinatorEffect['type']>(
  effects: readonly CoordinatorEffect[],
  type: Type,
): Extract<CoordinatorEffect, { type: Type }>[] {
  return effects.filter((effect): effect is Extract<CoordinatorEffect, { type: Type }> => effect.type === type);
}

/** What is judged of which fingerprint, in order. */
export function verdicts(effects: readonly CoordinatorEffect[], link?: LinkId): string[] {
  return only(effects, 'send').flatMap(({ link: to, message }) => {
    if (message.type !== 'judgements' || (link !== undefined && to !== link)) return [];
    return message.judgements.map(({ verdict }) => verdict);
  });
}

/** The bodies of the answers. */
export function answers(effects: readonly CoordinatorEffect[]): AnswerBody[] {
  return only(effects, 'send').flatMap(({ message }) => (message.type === 'answer' ? [message.body] : []));
}

/** The names of what is noted. */
export function notes(effects: readonly CoordinatorEffect[]): string[] {
  return only(effects, 'note').map(({ name }) => name);
}
