import type { CoordinatorEvent } from '@authmesh/coordinator/core/event';
import type { Pool } from '@authmesh/coordinator/core/pool/pool';
import { poolsKey } from '@authmesh/coordinator/core/record';
import { createCoordinatorState } from '@authmesh/coordinator/core/stored-state';
import { transition } from '@authmesh/coordinator/core/transition';
import type { AccountId, FleetId, InviteId, NodeId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import type { Claim, LimitSignal } from '@authmesh/shared/protocol/permit';

export const account = 'oauth:openai/acct_1' as AccountId;
export const profile = 'openai:default' as ProfileId;
const nodeIdOf = (index: number) => index.toString(16).padStart(32, '0') as NodeId;

/** A permit that a node was given: the node by its number, the claim by its id. */
export interface Granted {
  readonly node: number;
  readonly id: number;
}

/** The coordinator's pure machine with its nodes connected and one pool of every login, in a time of its own. */
export interface PureFleet {
  /** What a node claims now, all of it; the permits that are given for that, to whichever node. */
  readonly report: (node: number, claims: readonly Claim[], signals?: readonly LimitSignal[]) => readonly Granted[];
  /** Time passes; the permits that are given because of that. */
  readonly pass: (ms: Milliseconds) => readonly Granted[];
  readonly pool: () => Pool | undefined;
}

export function createPureFleet(nodes: number, limit: number, settleMs: Milliseconds): PureFleet {
  const founder = nodeIdOf(0);
  const keys = { publicKey: 'key', boxKey: 'box', inviteSignature: 'signed', joinedAt: 0, lastSeen: null };
  const recordOf = (index: number) => ({
    id: nodeIdOf(index),
    name: `node-${index}`,
    invite: '0'.repeat(32) as InviteId,
    invitedBy: index === 0 ? null : founder,
    version: '1',
    ...keys,
  });
  let state = createCoordinatorState({
    fleet: { record: { epoch: 1 }, storeRevision: 1 },
    nodes: Array.from({ length: nodes }, (_, index) => ({ record: recordOf(index), storeRevision: 1 })),
    invites: [],
    accounts: [],
    policy: { allow: ['*'], deny: [] },
    poolTerms: [{ name: 'all', match: ['*'], limit, settleMs }],
  });
  const numbers = new Array<number>(nodes).fill(0);
  let elapsed = 0;
  const tell = (event: CoordinatorEvent): Granted[] => {
    const step = transition(state, { at: elapsed, elapsed, awake: elapsed, seed: 1, event });
    state = step.state;
    return step.effects.flatMap(effect => {
      if (effect.type !== 'send' || effect.message.type !== 'permits') return [];
      return effect.message.granted.map(({ id }) => ({ node: effect.link - 1, id }));
    });
  };
  tell({ type: 'started' });
  tell({ type: 'persist-succeeded', key: poolsKey, storeRevision: 2 });
  for (let index = 0; index < nodes; index++) {
    const proof = { protocol: 1, serverNonce: '', nonce: '', publicKey: 'key', version: '1', epoch: 1, at: 0 };
    const attest = { node: nodeIdOf(index), fleet: founder as string as FleetId, role: 'daemon' as const, ...proof };
    tell({ type: 'attested', link: index + 1, attest });
  }
  return {
    report(node, claims, signals = []) {
      const number = (numbers[node] ?? 0) + 1;
      numbers[node] = number;
      const report = { run: 'run', number, claims: [...claims], signals: [...signals] };
      return tell({ type: 'frame-received', link: node + 1, message: { type: 'claims', report } });
    },
    pass(ms) {
      elapsed += ms;
      return tell({ type: 'timer-fired', timer: 'pools' });
    },
    pool: () => state.pools.pools.get('all'),
  };
}

/** A claim for a store that waits. */
export function waitingClaim(id: number): Claim {
  const store = `/home/claw/.openclaw/agents/a${id}/agent/auth-profiles.json` as StoreId;
  return { id, claimant: { type: 'store', store, profile, account }, sessions: 1, phase: 'waiting' };
}
