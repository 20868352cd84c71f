import { leaseMs } from '@authmesh/shared/core/lease';
import { hour, minute, second } from '@authmesh/shared/core/time';
import { downMessage } from '@authmesh/shared/protocol/down';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  account,
  acknowledge,
  answers,
  createScene,
  founder,
  guest,
  notes,
  observed,
  only,
  persistPools,
  print,
  publish,
  type Scene,
  sealedOf,
  start,
} from '../coordinator-scene.ts';
import {
  bearer,
  createSceneWith,
  createVaultedFleet,
  home,
  leasesIn,
  missOf,
  other,
  renewalOf,
  settledIn,
  speakingIn,
} from './lease-scene.ts';

/** The login as a store has it that holds its refresh token. */
const held = observed('1', { refresh: print('a'), expiresAt: start + hour });

let scene: Scene;
const { hear, tellAll, pass, lease, record, view } = speakingIn(() => scene);

beforeEach(() => {
  scene = createVaultedFleet();
});

describe('a login whose time has come', () => {
  it('is leased at two thirds of its life, to its home, and not before that is durable', () => {
    expect(leasesIn(pass(37 * minute))).toEqual([]);
    scene.pass(6 * minute);
    const asked = scene.tell({ type: 'timer-fired', timer: 'leases' });
    expect(leasesIn(asked)).toEqual([]);
    const [write] = only(asked, 'compare-and-set');
    if (!write) throw new Error('nothing was written');
    const [given] = leasesIn(scene.persist(write.key));
    expect(given).toMatchObject({
      link: home,
      lease: { account, epoch: 1, access: print('1'), refresh: print('a'), leaseMs, generation: 2, guarded: false },
    });
    expect(view()).toMatchObject({ state: 'refreshing', node: 'pc-a' });
  });

  it('is looked at in its time when the timer fires early', () => {
    const [set] = only(pass(37 * minute), 'set-timer');
    if (!set) throw new Error('no timer was set');
    const early = pass(set.delayMs - 1);
    expect(only(early, 'compare-and-set')).toEqual([]);
    expect(only(early, 'set-timer')).toEqual([{ type: 'set-timer', timer: 'leases', delayMs: 1 }]);
  });

  it('is leased to the node whose store holds its refresh token: nobody else can keep its OpenClaw from it', () => {
    scene.through(acknowledge(other, held));
    expect(leasesIn(pass(50 * minute))).toMatchObject([{ link: other, lease: { notAfter: undefined } }]);
  });

  it('is not to be used late where several hosts hold its refresh token: any of their OpenClaw may be at it', () => {
    for (const link of [home, other]) scene.through(acknowledge(link, held));
    const [given] = leasesIn(pass(45 * minute));
    expect(downMessage.parse(given?.lease)).toMatchObject({ notAfter: start + hour - 6 * minute });
    if (given) hear(given.link, missOf(given.lease, 'unused'));
    expect([leasesIn(pass(10 * minute)), view()]).toMatchObject([[], { state: 'postponed' }]);
  });

  it('waits while a store holds its refresh token where nobody can refresh: OpenClaw spends it without asking', () => {
    tellAll(other, { observations: [held], refreshes: [] });
    const late = pass(50 * minute);
    expect([leasesIn(late), notes(late)]).toEqual([[], ['refresh-waits']]);
    expect(leasesIn(scene.through(acknowledge(other, bearer('1'))))).toHaveLength(1);
  });

  it('waits while OpenClaw refreshes it somewhere', () => {
    const pending = { ...bearer('1'), access: undefined, health: 'fence-pending' } as const;
    scene.through(acknowledge(other, pending));
    expect(leasesIn(pass(50 * minute))).toEqual([]);
    expect(leasesIn(scene.through(acknowledge(other, bearer('1'))))).toHaveLength(1);
  });

  it('goes to another node where its home is away, and to nobody where nobody can', () => {
    scene.tell({ type: 'link-closed', link: home });
    expect(lease().link).toBe(other);
    scene.tell({ type: 'link-closed', link: other });
    expect(leasesIn(pass(leaseMs))).toEqual([]);
  });

  it('goes to the node that the operator prefers', () => {
    scene.state().leases.prefer = { 'xai*': ['nowhere', 't440'] };
    expect(lease().link).toBe(other);
  });

  it('is left alone in the first moments after a start, until every node has told what it knows', () => {
    const before = record();
    scene = createSceneWith(before);
    scene.pass(50 * minute);
    scene.connect(home, founder);
    expect(leasesIn(tellAll(home))).toHaveLength(1);
    scene = createSceneWith(before);
    scene.setClock(50 * minute);
    scene.connect(home, founder);
    expect(leasesIn(tellAll(home))).toEqual([]);
    scene.connect(other, guest);
    expect(leasesIn(tellAll(other))).toHaveLength(1);
  });
});

describe('a lease', () => {
  it('brings the next login, which is announced, stays at its home, and is settled', () => {
    const given = lease();
    const effects = hear(given.link, renewalOf(given.lease));
    const [announced] = only(effects, 'announce');
    expect(announced?.announcement).toMatchObject({
      access: print('2'),
      refresh: print('b'),
      home: founder,
      generation: 2,
    });
    expect(settledIn(effects)).toEqual([{ type: 'lease-settled', account, epoch: 1, again: undefined }]);
    expect(record()).toMatchObject({ ancestors: [print('1')], spent: [print('a')] });
    expect(view()).toBeUndefined();
  });

  it('is told again without harm', () => {
    const given = lease();
    hear(given.link, renewalOf(given.lease));
    const again = hear(given.link, renewalOf(given.lease));
    expect([only(again, 'compare-and-set'), settledIn(again).length]).toEqual([[], 1]);
  });

  it('keeps the refresh token that was there where the answer has none', () => {
    const given = lease();
    hear(given.link, renewalOf(given.lease, { refresh: print('a') }));
    expect(record()).toMatchObject({ current: { access: print('2'), refresh: print('a') }, spent: [] });
  });

  it('has its record sealed anew where a node knows of later ones', () => {
    const given = lease();
    tellAll(other, { known: [{ account, position: { epoch: 1, revision: 1 }, generation: 7 }] });
    expect(settledIn(hear(given.link, renewalOf(given.lease)))).toMatchObject([{ again: 8 }]);
    hear(given.link, { ...renewalOf(given.lease), generation: 8 } as UpMessage);
    expect(record()?.current).toMatchObject({ access: print('2'), generation: 8 });
  });

  it('given back is given to another node, a little later each time', () => {
    const first = lease();
    const given = hear(first.link, missOf(first.lease, 'unused'));
    expect([settledIn(given).length, leasesIn(given)]).toEqual([1, []]);
    const [second_] = leasesIn(pass(19 * second));
    expect(second_).toMatchObject({ link: other, lease: { epoch: 2 } });
    if (!second_) return;
    hear(other, missOf(second_.lease, 'postponed'));
    expect(view()).toMatchObject({ state: 'postponed', node: 't440', why: 'it is postponed' });
    expect(leasesIn(pass(29 * second))).toEqual([]);
    expect(leasesIn(pass(9 * second))).toMatchObject([{ link: home }]);
  });

  it('given back unused is given again when the login ends, however long the pause has become', () => {
    let left = 10 * minute;
    let given = lease();
    for (const pauseMs of [19, 38, 75, 150, 300]) {
      hear(given.link, missOf(given.lease, 'unused'));
      left -= pauseMs * second;
      const [next] = leasesIn(pass(pauseMs * second));
      if (!next) throw new Error('no lease was given');
      given = next;
    }
    hear(given.link, missOf(given.lease, 'unused'));
    expect(leasesIn(pass(left))).toEqual([]);
    expect(leasesIn(pass(5 * second))).toHaveLength(1);
  });

  it('is given again as late as the provider asks for', () => {
    const given = lease();
    hear(given.link, missOf(given.lease, 'postponed', { retryAfterMs: 5 * minute }));
    expect(leasesIn(pass(299 * second))).toEqual([]);
    expect(leasesIn(pass(76 * second))).toHaveLength(1);
  });

  it('of a link that broke before it arrived is free when its node is back and says nothing of it', () => {
    const given = lease();
    scene.tell({ type: 'link-closed', link: given.link });
    scene.connect(3, founder);
    expect(leasesIn(tellAll(3))).toMatchObject([{ link: 3, lease: { epoch: 2 } }]);
  });

  it('that its node still has stays its own', () => {
    const given = lease();
    scene.tell({ type: 'link-closed', link: given.link });
    scene.connect(3, founder);
    const { epoch, access } = given.lease;
    expect(leasesIn(tellAll(3, { leases: [{ account, epoch, access }] }))).toEqual([]);
    expect(only(hear(3, renewalOf(given.lease)), 'announce')).toHaveLength(1);
  });

  it('that a coordinator from a backup has forgotten is nobody else’s', () => {
    const { epoch, access } = lease().lease;
    const current = record();
    if (!current) throw new Error('the account is there');
    scene = createScene({ accounts: [{ record: { ...current, refresh: undefined }, storeRevision: 1 }] });
    persistPools(scene);
    scene.setClock(50 * minute);
    scene.connect(home, founder);
    tellAll(home, { leases: [{ account, epoch, access }] });
    scene.connect(other, guest);
    expect(leasesIn(tellAll(other))).toEqual([]);
    expect(view()).toMatchObject({ state: 'refreshing', node: 'pc-a' });
  });
});

describe('silence', () => {
  it('leaves the account in doubt when the lease is over: nobody else gets one', () => {
    lease();
    expect(notes(pass(leaseMs))).toContain('refresh-in-doubt');
    expect(view()).toMatchObject({ state: 'in-doubt', why: 'pc-a was to refresh it and was not heard of again' });
    const late = pass(hour);
    expect([leasesIn(late), notes(late)]).toEqual([[], ['login-needed']]);
    expect(leasesIn(pass(24 * hour))).toEqual([]);
  });

  it('ends with the renewal, however late: nobody else has a newer one', () => {
    const given = lease();
    pass(leaseMs);
    expect(only(hear(given.link, renewalOf(given.lease)), 'announce')).toHaveLength(1);
    expect(view()).toBeUndefined();
  });

  it('after a request that was sent is doubt at once, and a sign-in ends it', () => {
    const given = lease();
    expect(settledIn(hear(given.link, missOf(given.lease, 'unanswered')))).toHaveLength(1);
    expect(view()).toMatchObject({ state: 'in-doubt', why: 'it is unanswered' });
    const grown = { refresh: print('c'), expiresAt: start + 5 * hour, chain: [{ access: print('1') }] };
    scene.through(publish(other, observed('3', grown), 2));
    expect(view()).toBeUndefined();
  });
});

describe('a refusal', () => {
  it('means that somebody has to sign in, and is said once', () => {
    const given = lease();
    expect(notes(hear(given.link, missOf(given.lease, 'refused')))).toEqual(['login-needed']);
    expect(view()).toMatchObject({ state: 'needs-login', node: 'pc-a' });
    const again = hear(given.link, missOf(given.lease, 'refused'));
    expect([notes(again), settledIn(again).length]).toEqual([[], 1]);
    expect(leasesIn(pass(24 * hour))).toEqual([]);
  });

  it('is heard of a login that a backup has forgotten, before that is given back', () => {
    const given = lease();
    hear(given.link, missOf(given.lease, 'refused'));
    const known = { position: { epoch: 1, revision: 1 }, generation: 1 };
    scene = createScene();
    persistPools(scene);
    scene.setClock(50 * minute);
    scene.connect(home, founder);
    const asked = tellAll(home, { known: [{ account, ...known }] });
    expect(settledIn(hear(home, missOf(given.lease, 'refused')))).toEqual([]);
    expect(only(asked, 'send').map(({ message }) => message.type)).toContain('recall');
    const login = { kind: 'oauth', profile: 'xai:default', origin: founder, home: founder, restored: false } as const;
    const facts = { account, ...known, ...login, access: print('1'), refresh: print('a'), expiresAt: start + hour };
    hear(home, { type: 'recollection', facts: facts as never, sealed: sealedOf('1') });
    scene.connect(other, guest);
    tellAll(other);
    expect(view()).toMatchObject({ state: 'needs-login' });
    expect(leasesIn(pass(minute))).toEqual([]);
  });
});

describe('an account that moved on', () => {
  it('keeps what an old lease brings aside', () => {
    const given = lease();
    const grown = { refresh: print('c'), expiresAt: start + 5 * hour, chain: [{ access: print('1') }] };
    scene.through(publish(other, observed('3', grown), 2));
    const effects = hear(given.link, { ...renewalOf(given.lease), generation: 3 } as UpMessage);
    expect([only(effects, 'announce'), notes(effects), settledIn(effects).length]).toEqual([[], ['renewal-fenced'], 1]);
    expect(record()).toMatchObject({ current: { access: print('3') } });
    expect(record()?.history.at(-1)).toMatchObject({ access: print('2'), verdict: 'parallel', sealed: sealedOf('2') });
  });
});

describe('a refresh by OpenClaw that failed', () => {
  const failed = { ...bearer('1'), access: undefined, health: 'fence-failed', spends: print('a') } as const;

  it('leaves the login in doubt until it ends, and then gets the one guarded attempt', () => {
    expect(notes(scene.through(acknowledge(other, failed)))).toContain('refresh-in-doubt');
    expect(leasesIn(pass(59 * minute))).toEqual([]);
    const [given] = leasesIn(pass(minute));
    expect(given?.lease).toMatchObject({ guarded: true });
    if (!given) return;
    hear(given.link, missOf(given.lease, 'refused'));
    expect(view()).toMatchObject({ state: 'needs-login' });
  });
});

describe('an operator', () => {
  const ask = () => scene.ask(home, { type: 'refresh', account });

  it('gets a lease given before its time, and hears who has it when that is durable', () => {
    const effects = [...ask()];
    for (const effect of effects) if (effect.type === 'compare-and-set') effects.push(...scene.persist(effect.key));
    expect([answers(effects), leasesIn(effects).length]).toEqual([[{ type: 'leased', node: founder, epoch: 1 }], 1]);
    expect(answers(ask())).toMatchObject([{ type: 'problem', message: 'pc-a is refreshing it already' }]);
  });

  it('may try a login once more that was refused', () => {
    const given = lease();
    hear(given.link, missOf(given.lease, 'refused'));
    expect(only(ask(), 'compare-and-set')).toHaveLength(1);
  });

  it('does not move the home of a login while it is being refreshed', () => {
    scene.through(acknowledge(other, bearer('1')));
    lease();
    const effects = scene.ask(home, { type: 'home', account, node: guest });
    expect(answers(effects)).toMatchObject([{ type: 'problem', message: expect.stringContaining('being refreshed') }]);
    expect(record()?.current?.home).toBe(founder);
  });

  it('hears who may have ended a login that the provider takes no more', () => {
    const given = lease();
    hear(given.link, renewalOf(given.lease));
    scene.through(acknowledge(other, held));
    const [again] = leasesIn(pass(100 * minute));
    if (!again) throw new Error('no lease was given');
    hear(again.link, missOf(again.lease, 'refused'));
    expect(view()).toMatchObject({
      state: 'needs-login',
      why: expect.stringMatching(/t440 has come back with an older pair of it since: .* has ended the login for all/),
    });
  });

  it('sees of a login that is due why nobody can refresh it', () => {
    for (const link of [home, other]) tellAll(link, { refreshes: [] });
    expect(view()).toBeUndefined();
    pass(50 * minute);
    expect(view()).toMatchObject({ state: 'postponed', why: expect.stringContaining('no node that is connected') });
  });

  it('hears no more of it than a message takes', () => {
    const given = lease();
    hear(given.link, renewalOf(given.lease));
    scene.through(acknowledge(other, held));
    const [again] = leasesIn(pass(100 * minute));
    if (again) hear(again.link, missOf(again.lease, 'refused', { why: 'x'.repeat(sentenceCharsMax) }));
    expect(view()).toMatchObject({ state: 'needs-login', why: 'x'.repeat(sentenceCharsMax) });
  });

  it('hears why nobody can', () => {
    tellAll(other, { observations: [held], refreshes: [] });
    const [problem] = answers(ask());
    expect(problem).toMatchObject({ type: 'problem', message: expect.stringContaining('a store of t440 holds') });
  });
});
