import { minute } from '@authmesh/shared/core/time';
import { expect, it } from 'vitest';
import {
  account,
  acknowledge,
  answers,
  createScene,
  founder,
  guest,
  persistPools,
  print,
  profile,
  type Scene,
  store,
} from '../coordinator-scene.ts';
import type { CopiesRecord } from '../record.ts';
import {
  bearer,
  createFleetOfTwo,
  createVaultedFleet,
  home,
  leasesIn,
  missOf,
  other,
  speakingIn,
} from './lease-scene.ts';

/*
 * What a coordinator goes by that has started anew, as long as a host has not told what its stores hold.
 */

let scene: Scene;
const { hear, tellAll, pass, lease, record } = speakingIn(() => scene);

/** The coordinator starts on what its store holds now; `rows`: what it holds of hosts that are away, where that is something else. */
function restart(rows?: readonly CopiesRecord[]): void {
  const { away, accounts, leases } = scene.state();
  const current = accounts.get(account)?.record;
  if (!current) throw new Error('the account is there');
  const kept = [...away].flatMap(([node, { copies }]) =>
    copies ? [{ node, copies, withheld: [...(leases.withheld.get(node) ?? [])] }] : [],
  );
  scene = createScene({
    accounts: [{ record: current, storeRevision: 1 }],
    copies: (rows ?? kept).map(one => ({ record: one, storeRevision: 1 })),
  });
  persistPools(scene);
}

/** The guest alone is back, and the login’s time has come. */
function leasesOfGuest() {
  scene.connect(other, guest);
  tellAll(other);
  return leasesIn(pass(50 * minute));
}

it('waits for the result of an OpenClaw that was refreshing when its host was heard last', () => {
  scene = createFleetOfTwo();
  scene.through(acknowledge(home, { ...bearer('1'), access: undefined, health: 'fence-pending', spends: print('a') }));
  scene.through({ type: 'link-closed', link: home });
  restart();
  expect(leasesOfGuest()).toEqual([]);
});

it('waits for a home of which nothing was written down since it has the login', () => {
  scene = createFleetOfTwo();
  restart([{ node: founder, copies: [] }]);
  expect(leasesOfGuest()).toEqual([]);
});

it('leaves alone what stands in a store that its host keeps out of the fleet', () => {
  scene = createFleetOfTwo();
  hear(home, { type: 'acknowledge', observations: [], gone: [{ store, profile }] });
  tellAll(home, { withheld: [print('a')] });
  const written = scene.through({ type: 'link-closed', link: home });
  expect(written).toContainEqual(
    expect.objectContaining({ value: expect.objectContaining({ withheld: [print('a')] }) }),
  );
  restart();
  expect(leasesOfGuest()).toEqual([]);
});

it('may refresh at an operator’s word though nothing is due', () => {
  scene = createVaultedFleet();
  const given = lease();
  hear(given.link, missOf(given.lease, 'refused'));
  restart();
  scene.connect(home, founder);
  tellAll(home);
  scene.connect(other, guest);
  tellAll(other);
  const asked = hear(home, { type: 'ask', request: 9, question: { type: 'refresh', account } });
  expect([answers(asked), leasesIn(asked)]).toMatchObject([
    [{ type: 'leased' }],
    [{ lease: { access: record()?.current?.access } }],
  ]);
});
