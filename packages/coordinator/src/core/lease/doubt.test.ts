import { leaseMs } from '@authmesh/shared/core/lease';
import { minute } from '@authmesh/shared/core/time';
import { beforeEach, describe, expect, it } from 'vitest';
import { account, acknowledge, founder, guest, print, type Scene } from '../coordinator-scene.ts';
import {
  bearer,
  createFleetOfTwo,
  createVaultedFleet,
  full,
  home,
  leasesIn,
  missOf,
  other,
  speakingIn,
} from './lease-scene.ts';

let scene: Scene;
const { hear, tellAll, pass, lease, record, view } = speakingIn(() => scene);
const failed = { ...bearer('1'), access: undefined, health: 'fence-failed', spends: print('a') } as const;

describe('a refresh by some OpenClaw that failed', () => {
  it.each([
    ['of the holder itself', home],
    ['of another host', other],
  ])('while a lease is out, %s, is doubt when the lease is given back', (_, link) => {
    scene = createFleetOfTwo();
    if (link === other) scene.through(acknowledge(other, full));
    const [given] = leasesIn(pass(45 * minute));
    scene.through(acknowledge(link, failed));
    if (given) hear(given.link, missOf(given.lease, 'unused'));
    expect([given?.link, leasesIn(pass(minute)), view()]).toMatchObject([
      home,
      [],
      { state: 'in-doubt', by: 'openclaw' },
    ]);
  });

  it('while the holder of a lease is silent is doubt when it has never heard of that', () => {
    scene = createVaultedFleet();
    const given = lease();
    scene.through({ type: 'link-closed', link: given.link });
    pass(leaseMs);
    scene.through(acknowledge(other, failed));
    scene.connect(7, founder);
    const effects = tellAll(7);
    expect([leasesIn([...effects, ...pass(minute)]), view()]).toMatchObject([
      [],
      { state: 'in-doubt', by: 'openclaw' },
    ]);
  });
});

it('a refresh by some OpenClaw that failed with an older token is no doubt', () => {
  scene = createVaultedFleet();
  scene.through(acknowledge(other, { ...failed, spends: print('f') }));
  scene.through({ type: 'link-closed', link: other });
  const given = lease();
  hear(given.link, missOf(given.lease, 'postponed'));
  expect(view()).toMatchObject({ state: 'postponed' });
});

it('the silence of a holder outlives a later lease of another, which used nothing', () => {
  scene = createVaultedFleet();
  const given = lease();
  scene.through({ type: 'link-closed', link: given.link });
  pass(leaseMs);
  const left = given.link === home ? other : home;
  const [again] = leasesIn(hear(left, { type: 'ask', request: 9, question: { type: 'refresh', account } }));
  if (again) hear(left, missOf(again.lease, 'postponed'));
  expect([again?.link, view(), leasesIn(pass(minute))]).toMatchObject([left, { by: 'silence' }, []]);
});

describe('a holder’s word that it may have spent it', () => {
  let link: number;
  beforeEach(() => {
    scene = createVaultedFleet();
    const given = lease();
    hear(given.link, missOf(given.lease, 'unanswered'));
    const [again] = leasesIn(hear(home, { type: 'ask', request: 9, question: { type: 'refresh', account } }));
    link = again?.link ?? 0;
    scene.through({ type: 'link-closed', link });
    pass(leaseMs);
  });

  it('stands when a later lease was never taken', () => {
    expect(record()?.refresh?.halt).toMatchObject({ by: 'silence', over: { by: 'lease' } });
    scene.connect(7, link === home ? founder : guest);
    const effects = [...tellAll(7), ...pass(minute)];
    expect([record()?.refresh?.halt?.by, leasesIn(effects)]).toEqual(['lease', []]);
  });
});
