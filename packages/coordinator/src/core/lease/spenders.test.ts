import type { AccountId } from '@authmesh/shared/core/identifiers';
import { leaseMs } from '@authmesh/shared/core/lease';
import { hour, minute } from '@authmesh/shared/core/time';
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
  publish,
  type Scene,
  sealedOf,
  start,
  store,
} from '../coordinator-scene.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { createVaultedFleet, home, leasesIn, missOf, other, renewalOf, speakingIn } from './lease-scene.ts';

/*
 * The same login under the name of another profile, of which no store says whose it is.
 */
const named = 'oauth:xai/xai:work' as AccountId;
const copy = { account: named, profile: 'xai:work', identity: 'profile', expiresAt: start + hour } as never;

let scene: Scene;
const { hear, tellAll, pass, lease, record } = speakingIn(() => scene);
const leasedIn = (effects: readonly CoordinatorEffect[]) => leasesIn(effects).map(({ lease }) => lease.account);

beforeEach(() => {
  scene = createVaultedFleet();
  scene.through(publish(home, { ...observed('1', { refresh: print('a') }), ...(copy as object) }));
  scene.through(acknowledge(home, { ...observed('1'), ...(copy as object) }));
});

describe('a login under two names', () => {
  it('is leased under the one that came later: the other may be what a store called it before', () => {
    expect(leasedIn(pass(50 * minute))).toEqual([named]);
    expect(leasedIn(pass(minute))).toEqual([]);
  });

  it('is not leased under the other when it was renewed, nor after a restart', () => {
    const given = lease();
    const twin = given.lease.account === account ? named : account;
    hear(given.link, { ...renewalOf(given.lease), account: given.lease.account } as never);
    expect(leasedIn(pass(9 * minute))).toEqual([]);
    const accounts = [...scene.state().accounts.values()].map(one => ({ record: one.record, storeRevision: 1 }));
    scene = createScene({ accounts });
    persistPools(scene);
    scene.setClock(59 * minute);
    scene.connect(home, founder);
    scene.connect(other, guest);
    expect(leasedIn([...tellAll(home), ...tellAll(other), ...pass(minute)])).toEqual([]);
    expect(scene.state().leases.waits.get(twin)).toContain('it is one login with xai/');
  });

  it('is leased under the other when the one used nothing, and where a use does not spend it', () => {
    const given = lease();
    const twin = given.lease.account === account ? named : account;
    hear(given.link, {
      ...missOf(given.lease, 'postponed', { retryAfterMs: hour }),
      account: given.lease.account,
    } as never);
    expect(leasedIn(pass(leaseMs))).toEqual([twin]);
  });
});

it('a login under two names that an OpenClaw may have spent under one of them is leased under none', () => {
  const failed = { ...observed('1'), access: undefined, health: 'fence-failed', spends: print('a') } as const;
  scene.through(acknowledge(other, failed));
  expect(leasedIn(pass(50 * minute))).toEqual([]);
});

it('a refresh token that another account has used up is nobody’s when it turns up under a new name', () => {
  scene = createVaultedFleet();
  const given = lease();
  hear(given.link, renewalOf(given.lease));
  expect(record()?.spent).toContain(print('a'));
  const late = { ...observed('9', { refresh: print('a'), expiresAt: start + 2 * hour, store }), ...(copy as object) };
  scene.through({
    type: 'frame-received',
    link: other,
    message: { type: 'publish', observation: late, generation: 1, sealed: sealedOf('9') } as never,
  });
  expect(scene.state().accounts.get(named)?.record.current?.refresh).toBe(print('a'));
  expect(leasedIn(pass(70 * minute))).not.toContain(named);
});
