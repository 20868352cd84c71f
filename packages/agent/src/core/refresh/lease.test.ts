import type { AccountId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { leaseMs } from '@authmesh/shared/core/lease';
import { hour } from '@authmesh/shared/core/time';
import { type Lease, miss } from '@authmesh/shared/protocol/lease';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  account,
  createScene,
  facts,
  holds,
  judgement,
  only,
  print,
  profile,
  refreshesXai,
  type Scene,
  seen,
  self,
  start,
  store,
} from '../agent-scene.ts';
import type { AgentConfig } from '../config.ts';
import type { AgentEffect } from '../effect.ts';
import type { LeaseOutcome } from './open-lease.ts';

let scene: Scene;

const lease = (more: Partial<Lease> = {}): Lease => ({
  ...{
    type: 'lease',
    account,
    epoch: 1,
    access: print('1'),
    refresh: print('a'),
    leaseMs,
    generation: 2,
    guarded: false,
  },
  ...more,
});
const renewed: LeaseOutcome = {
  renewed: { access: print('2'), refresh: print('b'), expiresAt: null },
  generation: 2,
};
const sent = (effects: readonly AgentEffect[]) => only(effects, 'send').map(({ message }) => message);
const exchanged = (outcome: LeaseOutcome, epoch = 1) => scene.tell({ type: 'exchanged', account, epoch, outcome });
const configure = (more: Partial<AgentConfig>) =>
  scene.tell({ type: 'configured', config: { ...scene.state().config, ...more } });
const current = facts('1', 1, { refresh: print('a') });

beforeEach(() => {
  scene = createScene({ custody: 'home', refreshes: refreshesXai });
  scene.connect();
  scene.hear({ type: 'synced' });
  scene.announce(current);
});

describe('a lease', () => {
  it('is an exchange, to be begun before it is over', () => {
    const [exchange] = only(scene.hear(lease()), 'exchange');
    expect(exchange).toMatchObject({ account, epoch: 1, access: print('1'), refresh: print('a'), generation: 2 });
    expect(exchange?.before).toBe(scene.state().elapsed + leaseMs);
  });

  it.each<[string, () => void, RegExp]>([
    ['another login', () => scene.announce(facts('3', 2, { refresh: print('c') })), /knows another login/],
    ['no word any more on how to refresh', () => configure({ refreshes: new Map() }), /does not refresh at xai/],
    ['one command to work for', () => configure({ takesLeases: false }), /works for one command/],
    [
      'another tool to spend it',
      () => scene.tell(holds(seen('1', { refresh: print('a'), profile: 'codex-cli:default' as ProfileId }))),
      /the tool of codex-cli:default holds the refresh token/,
    ],
    [
      'a store that holds it and cannot be read now',
      () => {
        scene.tell(holds(seen('1', { refresh: print('a') })));
        scene.tell({ type: 'store-observed', store, seen: { state: 'quarantined', reason: 'torn' } });
      },
      /cannot be read/,
    ],
    [
      'OpenClaw at it',
      () => scene.tell(holds(seen('1', { access: undefined, health: 'fence-pending' }))),
      /is refreshing it/,
    ],
    [
      'what it was renewed into',
      () => {
        scene.tell(holds(seen('1', { refresh: print('a') })));
        scene.tell(holds(seen('4', { refresh: print('d') })));
      },
      /was renewed into/,
    ],
    [
      'a refresh that may have spent it',
      () => {
        scene.tell(holds(seen('1', { refresh: print('a') })));
        scene.tell(holds(seen('1', { access: undefined, health: 'fence-failed', spends: print('a') })));
      },
      /may have spent/,
    ],
  ])('is given back by a node that has %s', (_what, happens, why) => {
    happens();
    const effects = scene.hear(lease({ epoch: 8 }));

    expect(only(effects, 'exchange')).toEqual([]);
    expect(sent(effects)).toMatchObject([{ type: 'miss', epoch: 8, miss: 'unused', why: expect.stringMatching(why) }]);
  });

  it('is given back in a sentence that fits the message, however long a name is', () => {
    const profile = `codex-cli:${'x'.repeat(500)}` as ProfileId;
    scene.tell(holds(seen('1', { refresh: print('a'), profile })));
    expect(miss.safeParse(sent(scene.hear(lease()))[0]).success).toBe(true);
  });

  it('that comes while an earlier one is open waits for what that comes to', () => {
    scene.hear(lease({ epoch: 7 }));
    const effects = scene.hear(lease({ epoch: 8 }));
    expect([only(effects, 'exchange'), sent(effects)]).toEqual([[], []]);
  });

  it.each(['unanswered', 'refused'] as const)(
    'from a coordinator that has forgotten one that was %s is given back; an operator’s later one is not',
    miss => {
      scene.hear(lease({ epoch: 7 }));
      scene.tell({ type: 'exchanged', account, epoch: 7, outcome: { miss, why: 'so it went' } });
      const effects = scene.hear(lease({ epoch: 5, guarded: true }));
      expect(only(effects, 'exchange')).toEqual([]);
      expect(sent(effects)).toMatchObject([{ type: 'miss', epoch: 5, miss: 'unused' }]);
      expect(only(scene.hear(lease({ epoch: 8 })), 'exchange')).toHaveLength(1);
    },
  );

  it('among several hosts that have the token is given back when it comes too late', () => {
    const effects = scene.hear(lease({ notAfter: start }));
    expect(only(effects, 'exchange')).toEqual([]);
    expect(sent(effects)).toMatchObject([{ miss: 'unused', why: expect.stringContaining('another host') }]);
    expect(only(scene.hear(lease({ epoch: 2, notAfter: start + hour })), 'exchange')).toHaveLength(1);
  });

  it('that is guarded goes on where OpenClaw may have spent it', () => {
    scene.tell(holds(seen('1', { refresh: print('a') })));
    scene.tell(holds(seen('1', { access: undefined, health: 'fence-failed', spends: print('a') })));
    expect(only(scene.hear(lease({ guarded: true })), 'exchange')).toHaveLength(1);
  });
});

describe('a login in the stores of this host', () => {
  const pair = seen('1', { refresh: print('a') });
  const without = seen('1');
  const writes = (effects: readonly AgentEffect[]) =>
    only(effects, 'write-credential').map(({ access, form }) => ({ access, form }));

  beforeEach(() => {
    scene = createScene({ custody: 'home', refreshes: refreshesXai });
    scene.connect();
    scene.hear({ type: 'synced' });
    scene.announce(facts('1', 1, { refresh: print('a'), home: self }));
    scene.tell(holds(pair));
    scene.hear(judgement('in-step', '1'));
  });

  it('is taken out of them for the exchange, and not put back meanwhile', () => {
    expect(only(scene.hear(lease()), 'exchange')).toMatchObject([{ holders: [{ store, profile }] }]);
    expect(writes([...scene.tell(holds(without)), ...scene.hear(judgement('in-step', '1'))])).toEqual([]);
  });

  it('leaves every profile that has it under another name as well', () => {
    const named = { account: 'oauth:xai/xai:work' as AccountId, profile: 'xai:work' as ProfileId };
    const twin = seen('1', { refresh: print('a'), ...named });
    const profiles = [seen('1', { refresh: print('a') }), twin];
    scene.tell({ type: 'store-observed', store, seen: { state: 'readable', profiles } });
    const holders = [profile, twin.profile].map(name => ({ store, profile: name }));
    expect(only(scene.hear(lease()), 'exchange')).toMatchObject([{ holders }]);
  });

  it.each(['unused', 'postponed'] as const)('is put back when the exchange was %s', miss => {
    scene.hear(lease());
    scene.tell(holds(without));
    scene.hear(judgement('in-step', '1'));
    expect(writes(exchanged({ miss, why: 'so it went' }))).toEqual([{ access: print('1'), form: 'full' }]);
  });

  it.each(['unanswered', 'refused'] as const)('is not put back when the exchange was %s', miss => {
    scene.hear(lease());
    scene.tell(holds(without));
    scene.hear(judgement('in-step', '1'));
    expect(writes(exchanged({ miss, why: 'so it went' }))).toEqual([]);
    // A gateway wrote back what it had read before: its OpenClaw is not to use it.
    expect(writes([...scene.tell(holds(pair)), ...scene.hear(judgement('in-step', '1'))])).toEqual([
      { access: print('1'), form: 'bearer' },
    ]);
  });
});

describe('a refresh token that is used, or may be used up', () => {
  const pair = seen('1', { refresh: print('a') });
  const work = '/home/claw/work/auth-profiles.json' as StoreId;
  const forms = (effects: readonly AgentEffect[]) =>
    [...only(effects, 'write-credential'), ...only(effects, 'create-profile')].map(({ form }) => form);

  beforeEach(() => {
    scene = createScene({ custody: 'home', refreshes: refreshesXai });
    scene.connect();
    scene.hear({ type: 'synced' });
    scene.announce(facts('1', 1, { refresh: print('a'), home: self }));
  });

  it.each<[string, LeaseOutcome]>([
    ['unanswered', { miss: 'unanswered', why: 'so it went' }],
    ['refused', { miss: 'refused', why: 'so it went' }],
    ['renewed', renewed],
  ])('leaves a store that a gateway wrote it back into, the link being lost: %s', (_what, outcome) => {
    scene.tell(holds(pair));
    scene.hear(judgement('in-step', '1', { held: true }));
    scene.hear(lease());
    scene.tell(holds(seen('1')));
    scene.hear(judgement('in-step', '1'));
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    exchanged(outcome);
    expect(forms(scene.tell(holds(pair)))).toEqual(['bearer']);
  });

  it.each(['under way', 'unanswered'] as const)('is in no profile that is made while the exchange is %s', what => {
    scene.tell(holds(pair));
    scene.tell({ type: 'store-observed', store: work, seen: { state: 'readable', profiles: [] } });
    scene.hear(lease());
    if (what === 'unanswered') exchanged({ miss: 'unanswered', why: 'so it went' });
    const control = { op: 'adopt', profiles: [profile], store: work } as const;
    expect(forms(scene.tell({ type: 'asked', request: 1, control }))).toEqual(['bearer']);
  });

  it('is given to no store while another node uses it, and comes when that used nothing', () => {
    scene.tell(holds(seen('1')));
    expect(forms(scene.hear(judgement('in-step', '1', { inUse: true })))).toEqual([]);
    expect(forms(scene.hear(judgement('in-step', '1')))).toEqual(['full']);
  });

  it('is given to no store on an announcement alone, before the coordinator has said whether it is in use', () => {
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    scene.tell(holds(seen('1')));
    scene.connect();
    const home = facts('1', 2, { refresh: print('a'), home: self });
    expect(forms(scene.announce(home))).toEqual([]);
    expect(forms(scene.hear(judgement('in-step', '1', { inUse: true })))).toEqual([]);
    expect(forms(scene.announce({ ...home, position: { epoch: 1, revision: 3 } }))).toEqual([]);
    expect(forms(scene.hear(judgement('in-step', '1')))).toEqual(['full']);
  });

  it('is not used while a store is being given it', () => {
    scene.tell(holds(seen('1')));
    expect(forms(scene.hear(judgement('in-step', '1')))).toEqual(['full']);
    const effects = scene.hear(lease());
    expect(only(effects, 'exchange')).toEqual([]);
    expect(sent(effects)).toMatchObject([{ miss: 'unused', why: expect.stringContaining('is just being given') }]);
  });

  it('is not used while a login is being created with it', () => {
    scene.tell(holds());
    const control = { op: 'adopt', profiles: [], store } as const;
    const adopted = scene.tell({ type: 'asked', request: 1, control });
    expect(only(adopted, 'create-profile')).toMatchObject([{ form: 'full' }]);
    const effects = scene.hear(lease());
    expect(only(effects, 'exchange')).toEqual([]);
    expect(sent(effects)).toMatchObject([{ miss: 'unused', why: expect.stringContaining('is just being given') }]);
  });

  it('is none that the fleet has instead, though the access token is the same', () => {
    scene.tell(holds(pair));
    scene.hear(judgement('in-step', '1', { held: true }));
    scene.hear(lease());
    exchanged({ miss: 'unanswered', why: 'so it went' });
    scene.announce(facts('1', 2, { refresh: print('b'), home: self }));
    expect(scene.state().leases.size).toBe(0);
    scene.hear(lease({ epoch: 2, refresh: print('b') }));
    exchanged({ renewed: { access: print('1'), refresh: print('c'), expiresAt: null }, generation: 3 }, 2);
    scene.announce(facts('1', 3, { refresh: print('c'), home: self }));
    scene.tell(holds(seen('1', { refresh: print('c') })));
    expect(forms(scene.hear(judgement('in-step', '1', { held: true })))).toEqual([]);
  });

  it('is neither where a use does not spend it', () => {
    scene = createScene({ custody: 'home', refreshes: new Map([['xai', { rotates: false }]]) });
    scene.connect();
    scene.hear({ type: 'synced' });
    scene.announce(facts('1', 1, { refresh: print('a'), home: self }));
    scene.tell(holds(pair));
    scene.hear(judgement('in-step', '1', { held: true }));
    scene.hear(lease());
    expect(forms(exchanged(renewed))).toEqual([]);
  });
});

describe('what a lease came to', () => {
  beforeEach(() => void scene.hear(lease()));

  it('is told at once, and again on each link until the coordinator has taken it', () => {
    expect(sent(exchanged(renewed))).toMatchObject([
      { type: 'renewal', epoch: 1, replaced: print('1'), generation: 2 },
    ]);
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    scene.tell({ type: 'timer-fired', timer: 'dial' });
    const [inventory, again] = sent(scene.connect());
    expect(inventory).toMatchObject({ type: 'inventory', leases: [{ account, epoch: 1, access: print('1') }] });
    expect(again).toMatchObject({ type: 'renewal' });
    const settled = scene.hear({ type: 'lease-settled', account, epoch: 1 });
    expect(only(settled, 'remember')).toMatchObject([{ memory: { kind: 'lease', account, lease: null } }]);
    expect(scene.state().leases.size).toBe(0);
  });

  it('is told in a sentence that fits the message, whatever was found', () => {
    const [told] = sent(exchanged({ miss: 'unused', why: 'locked '.repeat(100) }));
    expect(miss.safeParse(told).success).toBe(true);
  });

  it('waits for a link', () => {
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    expect(sent(exchanged(renewed))).toEqual([]);
    scene.tell({ type: 'timer-fired', timer: 'dial' });
    expect(sent(scene.connect())).toHaveLength(2);
  });

  it('is sealed in another generation where the coordinator asks for that', () => {
    exchanged(renewed);
    const again = scene.hear({ type: 'lease-settled', account, epoch: 1, again: 9 });
    expect(sent(again)).toMatchObject([{ type: 'renewal', generation: 9 }]);
    expect(scene.state().leases.size).toBe(1);
  });

  it.each(['unanswered', 'refused'] as const)('%s is kept until the account has moved on', miss => {
    exchanged({ miss, why: 'so it went' });
    scene.hear({ type: 'lease-settled', account, epoch: 1 });
    expect(scene.state().leases.size).toBe(1);
    scene.announce(facts('1', 2, { refresh: print('a') }));
    expect(scene.state().leases.size).toBe(1);
    const moved = scene.announce(facts('5', 3, { refresh: print('e') }));
    expect(only(moved, 'remember')).toContainEqual({
      type: 'remember',
      memory: { kind: 'lease', account, lease: null },
    });
  });

  it('is what was said of it first', () => {
    exchanged(renewed);
    expect(sent(exchanged({ miss: 'unanswered', why: 'a fault after it' }))).toEqual([]);
    expect(scene.state().leases.get(account)?.outcome).toEqual(renewed);
  });

  it('is nothing that another lease is concerned with', () => {
    expect(exchanged(renewed, 2)).toEqual([]);
    expect(scene.hear({ type: 'lease-settled', account, epoch: 1 })).toEqual([]);
  });
});

describe('a restart', () => {
  const { epoch, access, refresh } = lease();

  it('in the middle of an exchange leaves it unanswered: nobody knows whether it was sent', () => {
    const again = createScene({}, [{ kind: 'lease', account, lease: { account, epoch, access, refresh } }]);
    expect(sent(again.connect())).toMatchObject([{}, { type: 'miss', miss: 'unanswered', access }]);
  });

  it('in the middle of one that spends nothing leaves it to be tried again', () => {
    const kept = { account, epoch, access, refresh };
    const refreshes = new Map([['xai', { rotates: false }]]);
    const again = createScene({ refreshes }, [{ kind: 'lease', account, lease: kept }]);
    expect(sent(again.connect())).toMatchObject([{}, { type: 'miss', miss: 'postponed', access }]);
  });

  it('after it tells what it came to', () => {
    const kept = { account, epoch, access, refresh, outcome: renewed };
    const again = createScene({}, [{ kind: 'lease', account, lease: kept }]);
    expect(sent(again.connect())).toMatchObject([{}, { type: 'renewal', replaced: access }]);
  });
});

describe('a coordinator from a backup', () => {
  it('is given back what was announced here', () => {
    const effects = scene.hear({ type: 'recall', accounts: [account] });
    expect(sent(effects)).toEqual([{ type: 'recollection', facts: current }]);
  });
});

describe('a login out of a vault', () => {
  it('is vouched for once it is on this host’s disk', () => {
    scene = createScene({ custody: 'vault', refreshes: refreshesXai });
    scene.connect();
    const moved = scene.announce(facts('5', 3, { refresh: print('e'), expiresAt: hour }));
    expect(sent(moved)).toMatchObject([{ type: 'acknowledge', known: [{ account, position: { revision: 3 } }] }]);
  });
});
