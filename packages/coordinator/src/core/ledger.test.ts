import { hour, minute } from '@authmesh/shared/core/time';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { Question } from '@authmesh/shared/protocol/question';
import { describe, expect, it } from 'vitest';
import {
  account,
  acknowledge,
  answers,
  chain,
  createScene,
  founder,
  guest,
  notes,
  observed,
  only,
  print,
  publish,
  type Scene,
  sealedOf,
  start,
  type store,
  verdicts,
} from './coordinator-scene.ts';
import { accountKey } from './record.ts';
import { submissionsWaitingMax } from './state.ts';

const key = accountKey(account);
const mine = 1;
const theirs = 2;

/** A fleet of two whose current login is `1`, and `2` after it when that is given; all of it durable. */
function running(...successors: readonly Partial<Observation>[]): Scene {
  const scene = createScene();
  scene.connect(mine, founder);
  scene.connect(theirs, guest);
  scene.through(publish(mine, observed('1', { refresh: print('a'), expiresAt: start + hour, ...successors[0] })));
  if (successors[1])
    scene.through(
      publish(mine, observed('2', { chain: chain('1'), expiresAt: start + 2 * hour, ...successors[1] }), 2),
    );
  return scene;
}

const current = (scene: Scene) => scene.state().accounts.get(account)?.record.current;

describe('what a node reports, by the table of freshness', () => {
  const live = { expiresAt: start + hour };
  const dead = { expiresAt: start - 1 };
  const rows: readonly (readonly [
    what: string,
    before: readonly Partial<Observation>[],
    reported: Observation,
    verdict: string,
    revision: number,
  ])[] = [
    ['the current one', [live], observed('1', { refresh: print('a') }), 'in-step', 1],
    ['the current one in the bearer form', [live], observed('1'), 'in-step', 1],
    [
      'the refresh token that was missing',
      [{ refresh: undefined }],
      observed('1', { refresh: print('a') }),
      'in-step',
      2,
    ],
    [
      'a known ancestor, whatever it claims',
      [live, live],
      observed('1', { expiresAt: start + 900 * hour }),
      'stale',
      2,
    ],
    ['a spent refresh token', [live, { refresh: print('b') }], observed('9', { refresh: print('a') }), 'stale', 2],
    [
      'a refresh of the current one',
      [live],
      observed('3', { chain: chain('1'), expiresAt: start + 2 * hour }),
      'in-step',
      2,
    ],
    [
      'three refreshes while away',
      [live],
      observed('5', { chain: chain('4', '3', '1'), expiresAt: start + 2 * hour }),
      'in-step',
      2,
    ],
    ['an unknown branch, issued later', [{ issuedAt: 10 }], observed('3', { issuedAt: 11 }), 'in-step', 2],
    ['an unknown branch, issued earlier', [{ issuedAt: 10 }], observed('3', { issuedAt: 9 }), 'stale', 1],
    [
      'two live logins, the later expiry proves nothing',
      [live],
      observed('3', { expiresAt: start + 9 * hour }),
      'parallel',
      1,
    ],
    ['a live one, the current one has ended', [dead], observed('3', live), 'in-step', 2],
    ['a dead one, the current one lives', [live], observed('3', dead), 'stale', 1],
    ['a name that nobody linked', [live], observed('3', { identity: 'profile', ...live }), 'unlinked', 1],
    ['empty tokens', [live], observed('', { access: undefined, health: 'empty' }), 'unfit', 1],
    ['a failed fence', [live], observed('', { access: undefined, health: 'fence-failed' }), 'unfit', 1],
    ['an implausible expiry', [live], observed('3', { health: 'implausible' }), 'unfit', 1],
    [
      'empty tokens under a name that nobody linked',
      [live],
      observed('', { access: undefined, health: 'empty', identity: 'profile' }),
      'unlinked',
      1,
    ],
    ['a young pending fence', [live], observed('', { access: undefined, health: 'fence-pending' }), 'waits', 1],
    ['a store that cannot be understood', [live], observed('3', { health: 'quarantined' }), 'waits', 1],
  ];
  it.each(rows)('%s', (_, before, reported, verdict, revision) => {
    const scene = running(...before);
    const effects = scene.through(publish(theirs, reported, 2));
    expect(verdicts(effects, theirs)).toEqual([verdict]);
    expect(current(scene)?.position).toEqual({ epoch: 1, revision });
    expect(only(effects, 'announce')).toHaveLength(revision > before.length ? 1 : 0);
    expect(scene.state().nodes.get(guest)?.copies.size).toBe(1);
  });

  it('corrects the expiry by what the node’s clock is off', () => {
    const scene = createScene();
    scene.connect(mine, founder, { at: start + hour });
    scene.through(publish(mine, observed('1', { expiresAt: start + hour + minute })));
    expect(current(scene)?.expiresAt).toBe(start + minute);
  });

  it('leaves out what the fleet’s configuration leaves out', () => {
    const scene = createScene({ policy: { allow: ['*'], deny: ['xai*'] } });
    scene.connect(mine, founder);
    expect(verdicts(scene.through(publish(mine, observed('1'))))).toEqual(['ignored']);
    expect(scene.state().accounts.size).toBe(0);
  });

  it('gives every candidate a number, refused ones too, each once', () => {
    const scene = running({ expiresAt: start + hour }, { expiresAt: start + hour });
    for (const _ of ['once', 'again']) {
      scene.through(acknowledge(theirs, observed('1')));
      scene.through(publish(theirs, observed('7', { expiresAt: start + 9 * hour }), 3));
    }
    const entries = scene.state().accounts.get(account)?.record.history;
    expect(entries?.map(({ number, verdict, access, sealed }) => [number, verdict, access, sealed])).toEqual([
      [1, 'accepted', print('1'), sealedOf('1')],
      [2, 'accepted', print('2'), sealedOf('2')],
      [3, 'stale', print('1'), undefined],
      [4, 'parallel', print('7'), sealedOf('7')],
    ]);
  });
});

describe('a login without its record', () => {
  it('is asked for when it would be accepted, or when an operator may want it back', () => {
    const scene = running();
    const newer = observed('3', { chain: chain('1'), expiresAt: start + 2 * hour });
    expect(verdicts(scene.through(acknowledge(theirs, newer)))).toEqual(['wanted']);
    expect(current(scene)?.position.revision).toBe(1);
    const beside = observed('4', { expiresAt: start + 9 * hour });
    expect(verdicts(scene.through(acknowledge(theirs, beside)))).toEqual(['wanted']);
    expect(verdicts(scene.through(publish(theirs, beside, 2)))).toEqual(['parallel']);
    expect(verdicts(scene.through(acknowledge(theirs, beside)))).toEqual(['parallel']);
  });
});

describe('what is not durable', () => {
  it('is told to nobody (invariant I2)', () => {
    const scene = running();
    const effects = scene.tell(publish(mine, observed('2', { chain: chain('1'), expiresAt: start + 2 * hour }), 2));
    expect(effects.map(effect => effect.type)).toEqual(['compare-and-set']);
    const durable = scene.persist(key);
    expect(only(durable, 'announce')).toMatchObject([
      {
        links: 'all',
        announcement: { access: print('2'), position: { epoch: 1, revision: 2 }, sealed: sealedOf('2') },
      },
    ]);
    expect(verdicts(durable, mine)).toEqual(['in-step']);
  });

  it('has everything else about the account wait, in order', () => {
    const scene = running();
    scene.tell(publish(mine, observed('2', { chain: chain('1'), expiresAt: start + 2 * hour }), 2));
    const three = observed('3', { chain: chain('2'), expiresAt: start + 3 * hour });
    expect(scene.tell(publish(theirs, three, 3))).toEqual([]);
    expect(scene.tell(acknowledge(theirs, observed('1'))).map(({ type }) => type)).toEqual(['propagated']);
    expect(only(scene.persist(key), 'compare-and-set')).toMatchObject([{ value: { current: { access: print('3') } } }]);
    expect(verdicts(scene.persist(key), theirs)).toEqual(['in-step', 'stale']);
  });

  it('is judged again on top of what another writer wrote first', () => {
    const scene = running();
    const before = scene.state().accounts.get(account)?.record;
    scene.tell(publish(mine, observed('2', { chain: chain('1'), expiresAt: start + 2 * hour }), 2));
    const theirRecord = before && { ...before, ancestors: [print('2')] };
    const effects = scene.tell({ type: 'persist-conflicted', key, value: theirRecord, storeRevision: 77 });
    expect(notes(effects)).toContain('persist-conflicted');
    // Meanwhile it is known to be an ancestor: refused, and only that is written down.
    expect(verdicts(effects)).toEqual(['stale']);
    expect(only(effects, 'announce')).toEqual([]);
    expect(only(effects, 'compare-and-set')).toMatchObject([
      { expected: 77, value: { current: { access: print('1') } } },
    ]);
  });

  it('is tried again when the store refuses, and what waits goes on waiting', () => {
    const scene = running();
    scene.tell(publish(mine, observed('2', { chain: chain('1'), expiresAt: start + 2 * hour }), 2));
    const failed = scene.tell({ type: 'persist-failed', key, reason: 'the disk is full' });
    expect(notes(failed)).toEqual(['persist-failed']);
    expect(only(failed, 'set-timer')).toMatchObject([{ timer: 'retry-persist' }]);
    expect(scene.tell(acknowledge(theirs, observed('1')))).toEqual([]);
    const retried = scene.tell({ type: 'timer-fired', timer: 'retry-persist' });
    expect(only(retried, 'compare-and-set')).toMatchObject([{ key, value: { current: { access: print('2') } } }]);
    expect(scene.tell({ type: 'timer-fired', timer: 'retry-persist' })).toEqual([]);
    expect(only(scene.persist(key), 'announce')).toHaveLength(1);
  });

  it('holds back a bounded number of reports; a node reports again what it was not told about', () => {
    const scene = running();
    scene.tell(publish(mine, observed('2', { chain: chain('1'), expiresAt: start + 2 * hour }), 2));
    const copy = (number: number) => observed('1', { store: `/${number}` as typeof store });
    for (let waiting = 0; waiting < submissionsWaitingMax; waiting++) {
      expect(scene.tell(acknowledge(theirs, copy(waiting)))).toEqual([]);
    }
    expect(notes(scene.tell(acknowledge(theirs, copy(submissionsWaitingMax))))).toEqual(['queue-overflowed']);
    expect(scene.state().accounts.get(account)?.waiting).toHaveLength(submissionsWaitingMax);
  });

  it('has one report of a login in a copy wait: the latest, with the record that came before', () => {
    const scene = running();
    scene.tell(publish(mine, observed('2', { chain: chain('1'), expiresAt: start + 2 * hour }), 2));
    const three = observed('3', { chain: chain('2'), expiresAt: start + 3 * hour });
    for (let again = 0; again < 500; again++) scene.tell(publish(theirs, three, 3));
    scene.tell(acknowledge(theirs, three));
    expect(scene.state().accounts.get(account)?.waiting).toHaveLength(1);
    scene.persist(key);
    expect(verdicts(scene.persist(key), theirs)).toEqual(['in-step']);
    expect(current(scene)).toMatchObject({ access: print('3'), sealed: sealedOf('3') });
  });

  it('of a link that is gone by then still counts; what waited behind it is told again by its node', () => {
    const scene = running();
    scene.tell(publish(mine, observed('2', { chain: chain('1'), expiresAt: start + 2 * hour }), 2));
    scene.tell(acknowledge(mine, observed('1')));
    scene.tell({ type: 'link-closed', link: mine });
    const durable = scene.persist(key);
    expect(only(durable, 'announce')).toHaveLength(1);
    expect(verdicts(durable)).toEqual(['in-step']);
  });
});

describe('copies that only a name makes one', () => {
  const named = { identity: 'profile', expiresAt: start + hour } as const;

  it('link by themselves when they are equal, each copy by itself', () => {
    const scene = running(named);
    expect(verdicts(scene.through(acknowledge(theirs, observed('1', named))))).toEqual(['in-step']);
    const renewed = observed('3', { ...named, chain: chain('1'), expiresAt: start + 2 * hour });
    expect(verdicts(scene.through(publish(theirs, renewed, 2)))).toEqual(['in-step']);
    const elsewhere = observed('8', { ...named, store: '/else' as typeof store });
    expect(verdicts(scene.through(publish(theirs, elsewhere, 3)))).toEqual(['unlinked']);
  });

  it('are judged again once an operator links them', () => {
    const scene = running({ ...named, expiresAt: start + minute });
    scene.through(publish(theirs, observed('3', named), 1));
    scene.pass(2 * minute);
    const question: Question = { type: 'link', account, nodes: [guest] };
    const message = { type: 'ask', request: 9, question } as const;
    const effects = scene.through({ type: 'frame-received', link: theirs, message });
    expect(answers(effects)).toEqual([{ type: 'linked', nodes: [guest] }]);
    // The current one has ended: the record of what takes its place is asked for.
    expect(verdicts(effects, theirs)).toEqual(['wanted']);
  });
});

describe('a generation', () => {
  it('only rises: a login that follows the current one is asked for again when it was sealed below', () => {
    const scene = running();
    scene.through(publish(mine, observed('2', { chain: chain('1'), expiresAt: start + 2 * hour }), 3));
    const next = observed('4', { chain: chain('2'), expiresAt: start + 3 * hour });
    const effects = scene.through(publish(theirs, next, 3));
    expect(only(effects, 'send')).toMatchObject([{ message: { judgements: [{ verdict: 'wanted', generation: 4 }] } }]);
    expect(current(scene)).toMatchObject({ access: print('2'), generation: 3 });
    scene.through(publish(theirs, next, 4));
    expect(current(scene)).toMatchObject({ access: print('4'), generation: 4 });
  });

  it('stays when the current login is completed', () => {
    const scene = running({ refresh: undefined });
    scene.through(publish(theirs, observed('1', { refresh: print('a') }), 1));
    expect(current(scene)).toMatchObject({ why: 'completed', generation: 1 });
  });
});

describe('a coordinator back from a backup', () => {
  it.each([
    ['from before the account', undefined],
    ['with an older login', '1'],
  ])('%s takes the latest login that the fleet had, whoever reports first', (_, kept) => {
    for (const order of [
      ['2', '4'],
      ['4', '2'],
    ]) {
      const scene = createScene();
      scene.connect(mine, founder);
      scene.connect(theirs, guest);
      if (kept !== undefined) scene.through(publish(mine, observed(kept)));
      for (const digit of order) {
        const position = { epoch: 1, revision: Number(digit) };
        const known = [{ account, position, generation: Number(digit) }];
        const announced = { position, home: founder, origin: founder };
        const link = digit === '2' ? theirs : mine;
        const inventory = { type: 'inventory', observations: [], known, last: true } as const;
        scene.through({ type: 'frame-received', link, message: { ...inventory, observations: [] } });
        scene.through(publish(link, observed(digit, { announced, chain: chain('1') }), position.revision));
      }
      if (order[0] === '2') expect(current(scene)).toMatchObject({ why: 'recovered' });
      expect(current(scene)).toMatchObject({ access: print('4'), recoveredFrom: { epoch: 1, revision: 4 } });
    }
  });

  it('learns a login from a bearer host, which signs for it, and leaves it with its home', () => {
    const scene = createScene();
    scene.connect(mine, founder);
    scene.connect(theirs, guest);
    const announced = { position: { epoch: 1, revision: 4 }, home: founder, origin: founder };
    scene.through(publish(theirs, observed('1', { announced }), 4));
    expect(current(scene)).toMatchObject({ why: 'first', origin: guest, home: founder, refresh: undefined });
    scene.through(publish(mine, observed('1', { announced, refresh: print('a') }), 4));
    expect(current(scene)).toMatchObject({ why: 'completed', origin: founder, home: founder, refresh: print('a') });
  });

  it('has the current login sealed anew, by whoever knows it as the latest, where a node takes only a later generation', () => {
    const scene = running();
    const announced = { position: { epoch: 1, revision: 1 }, home: founder, origin: founder };
    const vouching = observed('1', { refresh: print('a'), announced });
    scene.tell(acknowledge(mine, vouching));
    const known = [{ account, position: { epoch: 1, revision: 1 }, generation: 9 }];
    const message = { type: 'inventory', observations: [], known, last: true } as const;
    const effects = scene.tell({ type: 'frame-received', link: theirs, message: { ...message, observations: [] } });
    expect(verdicts(effects, mine)).toEqual(['wanted']);
    expect(verdicts(scene.through(publish(mine, vouching, 8)))).toEqual(['wanted']);
    scene.through(publish(mine, vouching, 9));
    expect(current(scene)).toMatchObject({ why: 'resealed', generation: 9, position: { revision: 2 } });
  });
});
