import { hour, minute, second } from '@authmesh/shared/core/time';
import { refreshView } from '@authmesh/shared/protocol/lease';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  account,
  acknowledge,
  createScene,
  founder,
  guest,
  observed,
  persistPools,
  print,
  profile,
  publish,
  type Scene,
  sealedOf,
  start,
  store,
} from '../coordinator-scene.ts';
import {
  bearer,
  createFleetOfTwo,
  createSceneWith,
  full,
  home,
  leasesIn,
  missOf,
  other,
  renewalOf,
  speakingIn,
} from './lease-scene.ts';

let scene: Scene;
const { hear, tellAll, pass, lease, record, view } = speakingIn(() => scene);
const gone: UpMessage = { type: 'acknowledge', observations: [], gone: [{ store, profile }] };
const asksFor = { type: 'ask', request: 9, question: { type: 'refresh', account } } as const;

beforeEach(() => {
  scene = createFleetOfTwo();
});

describe('a refresh token that somebody else may spend is not leased', () => {
  const pending = { ...bearer('1'), access: undefined, health: 'fence-pending', spends: print('a') } as const;
  const again = (link: number) => scene.connect(link, founder);

  it.each<[string, () => void]>([
    ['its store is set aside', () => scene.through(acknowledge(home, { ...full, health: 'quarantined' }))],
    [
      'its store says an end that cannot be',
      () => scene.through(acknowledge(home, { ...full, health: 'implausible' })),
    ],
    [
      'OpenClaw was refreshing it when its node left',
      () => {
        scene.through(acknowledge(home, pending));
        scene.tell({ type: 'link-closed', link: home });
      },
    ],
    [
      'its node came on a new link and left before it told what it has',
      () => {
        again(3);
        scene.through({ type: 'link-probed', link: home, alive: false });
        scene.tell({ type: 'link-closed', link: 3 });
      },
    ],
    [
      'its home was not heard since the coordinator started',
      () => {
        scene = createSceneWith(record());
        scene.connect(other, guest);
        tellAll(other);
      },
    ],
    [
      'its node keeps the profile out of the fleet',
      () => {
        hear(home, gone);
        tellAll(home, { withheld: [print('a')] });
      },
    ],
    [
      'the fleet leaves the account out',
      () => {
        hear(home, gone);
        scene.through({ type: 'configured', policy: { allow: ['*'], deny: ['xai*'] }, pools: [] });
      },
    ],
  ])('where %s', (_what, happens) => {
    happens();
    expect(leasesIn(pass(50 * minute))).toEqual([]);
    expect(leasesIn(pass(5 * minute))).toEqual([]);
  });

  it('where its node cannot refresh, until its owner deletes the profile', () => {
    tellAll(home, { observations: [full], refreshes: [] });
    expect(leasesIn(pass(50 * minute))).toEqual([]);
    expect(leasesIn([...hear(home, gone), ...pass(minute)])).toHaveLength(1);
  });

  it('for its home was not heard since the start, and is once it has ended: nobody else has to say so', () => {
    scene = createSceneWith(record());
    scene.connect(other, guest);
    tellAll(other);
    expect(leasesIn(pass(50 * minute))).toEqual([]);
    expect(leasesIn(pass(9 * minute))).toEqual([]);
    expect(leasesIn(pass(2 * minute))).toHaveLength(1);
  });

  it('nor at an operator’s word before every node has told what it has', () => {
    scene = createSceneWith(record());
    scene.connect(other, guest);
    tellAll(other);
    scene.connect(5, guest, { role: 'command' });
    expect(leasesIn(hear(5, asksFor))).toEqual([]);
  });
});

describe('what a node has said of a lease', () => {
  const halted = () => record()?.refresh?.halt?.state;
  beforeEach(() => void scene.through(acknowledge(home, bearer('1'))));

  it('stands though its memory is lost later', () => {
    const given = lease();
    hear(given.link, missOf(given.lease, 'unanswered'));
    scene.tell({ type: 'link-closed', link: home });
    scene.connect(3, founder);
    expect([halted(), leasesIn(tellAll(3))]).toEqual(['in-doubt', []]);
  });

  it.each([
    ['unanswered', 'unused', 'in-doubt'],
    ['refused', 'postponed', 'needs-login'],
  ] as const)('%s stands after an operator’s attempt that was %s', (first, then, state) => {
    const given = lease();
    hear(given.link, missOf(given.lease, first));
    const [attempt] = leasesIn(hear(home, asksFor));
    if (!attempt) throw new Error('it was not given');
    hear(attempt.link, missOf(attempt.lease, then));
    expect(halted()).toBe(state);
  });

  it('fits the wire with the sentence about it', () => {
    const given = lease();
    hear(given.link, missOf(given.lease, 'unanswered', { why: 'x'.repeat(500) }));
    pass(hour);
    expect(refreshView.safeParse(view())).toMatchObject({ success: true });
    expect(view()?.why).toMatch(/^its access token has ended/);
  });

  it('is over when OpenClaw has renewed the login by itself', () => {
    const given = lease();
    hear(given.link, missOf(given.lease, 'postponed'));
    const next = observed('2', { refresh: print('b'), expiresAt: start + 9 * hour, chain: [{ access: print('1') }] });
    scene.through(publish(home, next, 2));
    expect([record()?.current?.access, view()]).toEqual([print('2'), undefined]);
  });
});

describe('a coordinator from a backup', () => {
  const ahead = { account, position: { epoch: 1, revision: 9 }, generation: 9 };
  const facts = {
    ...{
      ...ahead,
      kind: 'oauth' as const,
      profile,
      access: print('5'),
      refresh: print('e'),
      expiresAt: start + 2 * hour,
    },
    ...{ origin: guest, home: guest, restored: false },
  } as const;
  const forgotten = { epoch: 7, access: print('5'), generation: 30 };

  beforeEach(() => {
    scene.through(acknowledge(home, bearer('1')));
    tellAll(other, { known: [ahead] });
    scene.tell({ type: 'link-closed', link: home });
    scene.connect(101, founder);
    tellAll(101, { leases: [{ account, epoch: 7, access: print('5') }] });
  });

  it.each<[string, UpMessage]>([
    ['a renewal', renewalOf(forgotten, { access: print('6'), refresh: print('f') })],
    ['a use without an answer', missOf(forgotten, 'unanswered')],
  ])('remembers %s of a login that it does not know yet, though the link that told it is gone', (_what, message) => {
    hear(101, message);
    scene.tell({ type: 'link-closed', link: 101 });
    hear(other, { type: 'recollection', facts, sealed: sealedOf('5') });
    expect(leasesIn(pass(90 * minute)).filter(({ lease: { refresh } }) => refresh === print('e'))).toEqual([]);
  });

  it('counts what a node says again on each link once', () => {
    let link = 101;
    for (let count = 0; count < 150; count++) {
      hear(link, renewalOf(forgotten, { access: print('6'), refresh: print('f') }));
      scene.tell({ type: 'link-closed', link });
      scene.connect(++link, founder);
      tellAll(link, { leases: [{ account, epoch: 7, access: print('5') }] });
    }
    hear(link, renewalOf(forgotten, { access: print('6'), refresh: print('f') }));
    hear(other, { type: 'recollection', facts, sealed: sealedOf('5') });
    expect(record()?.current?.access).toBe(print('6'));
  });

  it('says what it waits for, and an operator may have it refreshed all the same', () => {
    expect(leasesIn(pass(50 * minute))).toEqual([]);
    expect(view()).toMatchObject({ state: 'postponed', why: expect.stringMatching(/knows a later login/) });
    expect(leasesIn(hear(101, asksFor))).toHaveLength(1);
  });
});

it('after an outage the logins of a provider are refreshed a few at a time, and come again apart', () => {
  const count = 60;
  scene = createScene();
  persistPools(scene);
  scene.connect(home, founder);
  tellAll(home);
  for (let index = 0; index < count; index++) {
    const access = (index * 7919 + 17).toString(16).padStart(8, '0').repeat(4) as typeof full.access;
    const named = { account: `oauth:xai/a${index}` as typeof account, profile: `xai:p${index}` as typeof profile };
    const one = observed('1', { ...named, access, refresh: access, expiresAt: start + hour });
    scene.through(publish(home, one));
    scene.through(acknowledge(home, { ...one, refresh: undefined }));
  }
  const waves: number[] = [];
  for (let wave = 0; wave < 90; wave++) {
    const given = leasesIn(pass(wave === 0 ? 3 * hour : second));
    waves.push(given.length);
    for (const { link, lease: one } of given)
      hear(link, { ...missOf(one, 'postponed'), account: one.account } as UpMessage);
  }
  expect(waves[0]).toBe(16);
  expect(Math.max(...waves)).toBe(16);
  expect(waves.reduce((sum, wave) => sum + wave)).toBeGreaterThan(2 * count);
});
