import { day, hour, minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { acknowledge, founder, observed, print, publish, type Scene, start } from '../coordinator-scene.ts';
import {
  bearer,
  createFleetOfTwo,
  createVaultedFleet,
  home,
  leasesIn,
  other,
  renewalOf,
  speakingIn,
} from './lease-scene.ts';

let scene: Scene;
const { hear, tellAll, pass, record } = speakingIn(() => scene);

describe('a host that is gone for good', () => {
  it.each([
    ['was refreshing', { ...bearer('1'), access: undefined, health: 'fence-pending', spends: print('a') } as const],
    [
      'had a login of which the fleet never heard more',
      observed('4', { refresh: print('d'), expiresAt: start + 2 * hour, chain: [{ access: print('1') }] }),
    ],
  ])('and %s does not keep the next sign-in from being renewed', (_, last) => {
    scene = createVaultedFleet();
    scene.through(acknowledge(other, last));
    scene.through({ type: 'link-closed', link: other });
    pass(day);
    const next = { expiresAt: start + day + 2 * hour, chain: [{ access: print('1') }] };
    scene.through(publish(home, observed('3', { ...next, refresh: print('c') }), 2));
    scene.through(acknowledge(home, observed('3', next)));
    expect(record()?.current?.access).toBe(print('3'));
    expect(leasesIn([...pass(100 * minute), ...pass(hour)])).toHaveLength(1);
  });
});

it('a home that comes back and has nothing of a login any more frees it, though it cannot refresh it itself', () => {
  scene = createFleetOfTwo();
  scene.through({ type: 'link-closed', link: home });
  expect(leasesIn([...pass(50 * minute), ...pass(20 * minute)])).toEqual([]);
  scene.connect(7, founder);
  expect(leasesIn(tellAll(7, { refreshes: [] }))).toMatchObject([{ link: other }]);
});

it('a home that stays away keeps nobody from renewing in time what another has renewed meanwhile', () => {
  scene = createVaultedFleet();
  scene.through({ type: 'link-closed', link: home });
  const [first] = leasesIn(pass(50 * minute));
  if (first) hear(first.link, renewalOf(first.lease, { expiresAt: start + 50 * minute + hour }));
  expect([first?.link, record()?.current?.access]).toEqual([other, print('2')]);
  expect(leasesIn(pass(55 * minute))).toHaveLength(1);
});
