import { hour, minute } from '@authmesh/shared/core/time';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  account,
  acknowledge,
  answers,
  notes,
  observed,
  only,
  print,
  publish,
  type Scene,
  sealedOf,
  start,
} from '../coordinator-scene.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { bearer, createVaultedFleet, home, leasesIn, missOf, other, renewalOf, speakingIn } from './lease-scene.ts';

let scene: Scene;
const { hear, pass, lease, record } = speakingIn(() => scene);

/** An operator takes the fleet back to its first login. */
function restore() {
  const number = record()?.history.find(({ access }) => access === print('1'))?.number ?? 0;
  const question = {
    type: 'rollback',
    account,
    number,
    generation: 9,
    spendable: true,
    sealed: sealedOf('1'),
  } as const;
  return answers(hear(home, { type: 'ask', request: 9, question }));
}

beforeEach(() => {
  scene = createVaultedFleet();
});

describe('what an operator goes back to', () => {
  it('is not left again for what a node tells once more that it was renewed into', () => {
    const given = lease();
    hear(given.link, renewalOf(given.lease));
    const [second_] = leasesIn(pass(3 * hour));
    const next = { access: print('3'), refresh: print('c'), expiresAt: start + 9 * hour };
    if (second_) hear(second_.link, { ...renewalOf(second_.lease, next), sealed: sealedOf('3') } as UpMessage);
    expect(restore()).toMatchObject([{ type: 'published' }]);
    hear(given.link, { ...renewalOf(given.lease), generation: 10 } as UpMessage);
    expect([record()?.current?.access, record()?.spent]).toEqual([print('1'), expect.arrayContaining([print('b')])]);
  });

  it('waits while a refresh is under way, which would take the fleet away from it', () => {
    const given = lease();
    hear(given.link, renewalOf(given.lease));
    expect(leasesIn(pass(3 * hour))).toHaveLength(1);
    expect(restore()).toMatchObject([
      { type: 'problem', code: 'ERR_NOT_RESTORED', message: expect.stringContaining('refreshed') },
    ]);
  });
});

it('a renewal of which a store without the refresh token was heard first completes it', () => {
  const given = lease();
  scene.through(
    publish(given.link, observed('2', { expiresAt: start + 3 * hour, chain: [{ access: print('1') }] }), 2),
  );
  expect(record()?.current).toMatchObject({ access: print('2'), refresh: undefined });
  hear(given.link, { ...renewalOf(given.lease), generation: 3 } as UpMessage);
  expect(record()?.current).toMatchObject({ access: print('2'), refresh: print('b') });
});

it('a lease that a full store took too late is given anew, and nobody is in doubt', () => {
  scene.pass(43 * minute);
  const [write] = only(scene.tell({ type: 'timer-fired', timer: 'leases' }), 'compare-and-set');
  if (!write) throw new Error('no lease is being written');
  scene.tell({ type: 'persist-failed', key: write.key, reason: 'the disk is full' });
  scene.pass(10 * minute);
  scene.tell({ type: 'timer-fired', timer: 'retry-persist' });
  const writes = (effects: readonly CoordinatorEffect[]) =>
    only(effects, 'compare-and-set').flatMap(({ key }) => scene.persist(key));
  const late = scene.persist(write.key);
  expect([leasesIn(late), notes(late)]).toEqual([[], []]);
  expect(leasesIn(writes(writes(late)))).toMatchObject([{ lease: { leaseMs: 3 * minute } }]);
});

it('who could not renew an older login is asked for the next one', () => {
  const given = lease();
  hear(given.link, missOf(given.lease, 'postponed'));
  const next = { expiresAt: start + 9 * hour, chain: [{ access: print('1') }] };
  scene.through(publish(home, observed('2', { ...next, refresh: print('b') }), 2));
  scene.through(acknowledge(home, observed('2', next)));
  expect([given.link, leasesIn(pass(8 * hour))]).toMatchObject([home, [{ link: home }]]);
});

it('a renewal that kept the access token is the next login, which is not due at once', () => {
  const given = lease();
  const effects = hear(
    given.link,
    renewalOf(given.lease, { access: print('1'), refresh: print('b'), expiresAt: start + 2 * hour }),
  );
  expect(record()?.current).toMatchObject({ access: print('1'), refresh: print('b'), acceptedAt: start + 50 * minute });
  expect(leasesIn([...effects, ...pass(10 * minute)])).toEqual([]);
});

it('who heard that a refresh token was in use hears nothing of the login before, once the next one is announced', () => {
  const given = lease();
  scene.through(acknowledge(other, bearer('1')));
  const effects = hear(given.link, renewalOf(given.lease, { refresh: print('a') }));
  const said = only(effects, 'send').flatMap(({ message }) =>
    message.type === 'judgements' ? message.judgements : [],
  );
  expect([record()?.current?.access, said.filter(({ access }) => access === print('1'))]).toEqual([print('2'), []]);
});
