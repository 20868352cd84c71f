import { day, hour, minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { account, acknowledge, founder, observed, print, publish, type Scene, start } from '../coordinator-scene.ts';
import { bearer, createFleetOfTwo, createVaultedFleet, home, leasesIn, other, speakingIn } from './lease-scene.ts';

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

  it('takes what it alone knew along when it leaves', () => {
    scene = createVaultedFleet();
    tellAll(other, { known: [{ account, position: { epoch: 1, revision: 9 }, generation: 9 }] });
    hear(other, { type: 'ask', request: 9, question: { type: 'leave', keeps: [] } });
    expect([scene.state().nodes.size, leasesIn(pass(50 * minute))]).toMatchObject([1, [{ link: home }]]);
  });
});

it('a home that comes back and has nothing of a login any more frees it, though it cannot refresh it itself', () => {
  scene = createFleetOfTwo();
  scene.through({ type: 'link-closed', link: home });
  expect(leasesIn([...pass(50 * minute), ...pass(20 * minute)])).toEqual([]);
  scene.connect(7, founder);
  expect(leasesIn(tellAll(7, { refreshes: [] }))).toMatchObject([{ link: other }]);
});
