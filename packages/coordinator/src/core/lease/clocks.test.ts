import { hour, minute, second } from '@authmesh/shared/core/time';
import { beforeEach, describe, expect, it } from 'vitest';
import { founder, guest, observed, type Scene, start } from '../coordinator-scene.ts';
import { createVaultedFleet, leasesIn, missOf, renewalOf, speakingIn } from './lease-scene.ts';

let scene: Scene;
const { hear, tellAll, pass, record, view } = speakingIn(() => scene);

/** The coordinator's clock is set; its nodes come back on links of these numbers to compare theirs. */
function setClock(byMs: number, first: number) {
  scene.setClock(byMs);
  const effects = [...scene.through({ type: 'timer-fired', timer: 'leases' })];
  scene.connect(first, founder, { at: start });
  scene.connect(first + 1, guest, { at: start });
  return [...effects, ...tellAll(first), ...tellAll(first + 1), ...pass(second)];
}

describe('a coordinator’s clock that was three hours ahead, and is set right', () => {
  let given: ReturnType<typeof leasesIn>[number];
  beforeEach(() => {
    scene = createVaultedFleet();
    const [first] = leasesIn(setClock(3 * hour, 11));
    if (!first) throw new Error('no lease was given');
    given = first;
  });

  it('has what was renewed meanwhile renewed once more: nobody knows when it ends', () => {
    hear(given.link, renewalOf(given.lease, { expiresAt: start + 4 * hour }));
    const effects = setClock(-3 * hour, 21);
    expect([record()?.current?.why, leasesIn(effects)]).toMatchObject(['renewed', [{ lease: { epoch: 2 } }]]);
  });

  it('asks again soon what was put off meanwhile', () => {
    hear(given.link, missOf(given.lease, 'postponed'));
    expect(leasesIn([...setClock(-3 * hour, 21), ...pass(45 * minute)])).toHaveLength(1);
  });

  it('gives who has a lease its time once more, and no longer', () => {
    scene.through({ type: 'link-closed', link: given.link });
    scene.setClock(-3 * hour);
    scene.through({ type: 'timer-fired', timer: 'leases' });
    pass(2 * minute);
    expect(view()).toMatchObject({ state: 'refreshing' });
    pass(minute);
    expect(view()).toMatchObject({ state: 'in-doubt', by: 'silence' });
  });
});

it('a login that is told anew stays as old as it is', () => {
  scene = createVaultedFleet();
  const acceptedAt = record()?.current?.acceptedAt;
  pass(10 * minute);
  tellAll(1, { observations: [observed('1', { expiresAt: start + hour })], known: [] });
  expect(record()?.current?.acceptedAt).toBe(acceptedAt);
});
