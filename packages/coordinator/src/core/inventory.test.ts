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
import { describe, expect, it } from 'vitest';
import type { CoordinatorEffect } from './effect.ts';
import type { CoordinatorEvent } from './event.ts';
import { type AccountRecord, accountKey, type NodeRecord } from './record.ts';
import { createCoordinatorState } from './stored-state.ts';
import { transition } from './transition.ts';

const node = 'a'.repeat(32) as NodeId;
const account = 'oauth:xai/acct_1' as AccountId;
const profile = 'xai:default' as ProfileId;
const at = 1_800_000_000_000;
const print = (digit: string) => digit.repeat(32) as Fingerprint;

const nodeRecord: NodeRecord = {
  id: node,
  name: 'pc-a',
  publicKey: 'key',
  boxKey: 'box',
  joinedAt: at,
  invite: 'b'.repeat(32) as InviteId,
  invitedBy: null,
  inviteSignature: 'signed',
  version: '1',
  lastSeen: null,
};

const accountRecord: AccountRecord = {
  account,
  kind: 'oauth',
  profile,
  current: {
    access: print('3'),
    position: { epoch: 1, revision: 3 },
    expiresAt: null,
    origin: node,
    home: node,
    generation: 3,
    acceptedAt: at,
    why: 'successor',
    sealed: 'AAAA' as Sealed,
  },
  ancestors: [print('1'), print('2')],
  spent: [],
  history: [],
  nextNumber: 4,
  linked: [],
};

function connected() {
  let state = createCoordinatorState({
    fleet: { record: { epoch: 1 }, storeRevision: 1 },
    nodes: [{ record: nodeRecord, storeRevision: 1 }],
    invites: [],
    accounts: [{ record: accountRecord, storeRevision: 1 }],
    policy: { allow: ['*'], deny: [] },
  });
  const tell = (event: CoordinatorEvent): readonly CoordinatorEffect[] => {
    const step = transition(state, { at, elapsed: at, awake: at, seed: 1, event });
    state = step.state;
    return step.effects;
  };
  const attest = {
    protocol: 1,
    serverNonce: '',
    nonce: '',
    node,
    publicKey: 'key',
    fleet: node as string as FleetId,
    role: 'daemon',
    version: '1',
    at,
    epoch: 1,
  } as const;
  tell({ type: 'attested', link: 1, attest });
  return tell;
}

const observation = {
  store: '/home/claw/auth-profiles.json' as StoreId,
  profile,
  account,
  identity: 'account',
  kind: 'oauth',
  health: 'sound',
  access: print('2'),
  expiresAt: null,
  chain: [],
} as const;

describe('an inventory', () => {
  it('is answered with what is fresher before any judgement: a node heals a stale copy with the login it knows', () => {
    const effects = connected()({
      type: 'frame-received',
      link: 1,
      message: {
        type: 'inventory',
        observations: [{ ...observation, chain: [] }],
        known: [{ account, position: { epoch: 1, revision: 1 }, generation: 1 }],
        last: true,
      },
    });
    const announced = effects.findIndex(effect => effect.type === 'announce');
    const judged = effects.findIndex(effect => effect.type === 'send' && effect.message.type === 'judgements');
    expect(announced).toBeGreaterThanOrEqual(0);
    expect(judged).toBeGreaterThan(announced);
    expect(effects.some(effect => effect.type === 'send' && effect.message.type === 'synced')).toBe(true);
  });

  it('in several parts gets each announcement once', () => {
    const tell = connected();
    const part = (last: boolean): CoordinatorEvent => ({
      type: 'frame-received',
      link: 1,
      message: { type: 'inventory', observations: [], known: [], last },
    });
    const first = tell(part(false));
    const second = tell(part(true));
    // The first one says only what the node knows, and more of that may follow.
    expect(first.filter(effect => effect.type === 'announce')).toHaveLength(0);
    expect(second.filter(effect => effect.type === 'announce')).toHaveLength(1);
  });
});

describe('a node that has applied a later generation than the coordinator knows', () => {
  const inventory = (access: Fingerprint, generation: number, revision: number): CoordinatorEvent => ({
    type: 'frame-received',
    link: 1,
    message: {
      type: 'inventory',
      observations: [{ ...observation, access, chain: [], announced: revision === 3 ? place : undefined }],
      known: [{ account, position: { epoch: 1, revision }, generation }],
      last: true,
    },
  });
  const place = { position: { epoch: 1, revision: 3 }, home: node, origin: node };
  const judgements = (effects: readonly CoordinatorEffect[]) =>
    effects.flatMap(effect =>
      effect.type === 'send' && effect.message.type === 'judgements' ? effect.message.judgements : [],
    );

  it('makes it ask a holder of the current login for a record in that generation', () => {
    const asked = judgements(connected()(inventory(print('3'), 7, 3)));
    expect(asked).toEqual([expect.objectContaining({ verdict: 'wanted', generation: 7 })]);
  });

  it('is announced to in that generation, once the record has come and is durable', () => {
    const tell = connected();
    tell(inventory(print('3'), 7, 3));
    const publish = (generation: number): CoordinatorEvent => ({
      type: 'frame-received',
      link: 1,
      message: {
        type: 'publish',
        observation: { ...observation, access: print('3'), chain: [], announced: place },
        generation,
        sealed: 'BBBB' as Sealed,
      },
    });
    expect(judgements(tell(publish(6)))).toEqual([expect.objectContaining({ verdict: 'wanted', generation: 7 })]);
    const [stored] = tell(publish(7)).filter(effect => effect.type === 'compare-and-set');
    const announced = tell({ type: 'persist-succeeded', key: stored?.key ?? accountKey(account), storeRevision: 2 });
    expect(announced).toContainEqual(
      expect.objectContaining({
        type: 'announce',
        announcement: expect.objectContaining({
          access: print('3'),
          generation: 7,
          position: { epoch: 1, revision: 4 },
        }),
      }),
    );
  });

  it('does not make it ask a node that holds it as an old file, and knows of a login after it', () => {
    const asked = judgements(connected()(inventory(print('3'), 7, 2)));
    expect(asked).toEqual([expect.objectContaining({ verdict: 'in-step' })]);
  });
});
