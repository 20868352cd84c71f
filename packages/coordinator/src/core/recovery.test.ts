import { describe, expect, it } from 'vitest';
import {
  account,
  acknowledge,
  chain,
  createScene,
  founder,
  guest,
  observed,
  only,
  publish,
  type Scene,
  verdicts,
} from './coordinator-scene.ts';
import type { CoordinatorEvent, LinkId } from './event.ts';

const [mine, theirs] = [1, 2];

/** A fleet of two whose store knows that 2 came out of 1. */
function restored(): Scene {
  const scene = createScene();
  scene.connect(mine, founder);
  scene.connect(theirs, guest);
  scene.through(publish(mine, observed('1')));
  scene.through(publish(mine, observed('2', { chain: chain('1') }), 2));
  return scene;
}

function knows(link: LinkId, revision: number, generation = revision): CoordinatorEvent {
  const known = [{ account, position: { epoch: 1, revision }, generation }];
  return { type: 'frame-received', link, message: { type: 'inventory', observations: [], known, last: true } };
}

/** A login as a node reports it that remembers where the fleet announced it. */
function remembered(access: string, revision: number, isRestored = false) {
  const announced = { position: { epoch: 1, revision }, home: founder, origin: founder };
  return observed(access, { announced: isRestored ? { ...announced, restored: true } : announced, chain: chain('2') });
}

const current = (scene: Scene) => scene.state().accounts.get(account)?.record.current;

describe('a coordinator back from a backup that is older than an operator’s restore', () => {
  it('takes the fleet’s word for it, though its own store knows the login as an ancestor', () => {
    const scene = restored();
    scene.through(knows(theirs, 3));
    expect(verdicts(scene.through(acknowledge(theirs, remembered('1', 3, true))))).toEqual(['wanted']);
    const effects = scene.through(publish(theirs, remembered('1', 3, true), 3));
    expect(current(scene)).toMatchObject({ access: observed('1').access, position: { epoch: 2, revision: 4 } });
    // It still is an operator's choice: nothing completes it with the refresh token of what it replaced.
    expect(only(effects, 'announce')).toMatchObject([{ announcement: { restored: true } }]);
    expect(verdicts(scene.through(acknowledge(mine, observed('2'))))).toEqual(['stale']);
  });

  it('takes no ancestor that the fleet announced before what the store knows', () => {
    const scene = restored();
    scene.through(knows(theirs, 3));
    expect(verdicts(scene.through(publish(theirs, remembered('1', 1), 3)))).toEqual(['stale']);
    expect(current(scene)).toMatchObject({ access: observed('2').access });
  });
});

describe('a place in the order that a restored coordinator gave once more', () => {
  it('is left by the current login, for a node that knows another one there hears nothing that is told at it', () => {
    const scene = restored();
    // As the fleet had it, 3 stood where 4 stands now; only one node was told, and it was away since.
    scene.through(publish(mine, observed('4', { issuedAt: 40, chain: chain('2') }), 3));
    scene.through(knows(theirs, 3));
    const effects = scene.through(acknowledge(theirs, { ...remembered('3', 3), issuedAt: 30 }));
    expect(verdicts(effects, theirs)).toEqual(['stale']);
    const moved = { access: observed('4').access, position: { epoch: 1, revision: 4 }, generation: 3 };
    expect(only(effects, 'announce')).toMatchObject([{ links: 'all', announcement: moved }]);
    expect(verdicts(scene.through(acknowledge(theirs, { ...remembered('3', 3), issuedAt: 30 })))).toEqual(['stale']);
    expect(current(scene)).toMatchObject({ ...moved, recoveredFrom: { epoch: 1, revision: 3 } });
  });
});

describe('a store that a restored coordinator’s login stood in, too', () => {
  it('has the later one when the issuer says so, whatever it went through', () => {
    const scene = createScene();
    scene.connect(mine, founder);
    scene.through(publish(mine, observed('2', { issuedAt: 20 })));
    // 2, 3, an old file with 2, and 3 again, which the store of the coordinator has never heard of.
    const back = observed('3', { issuedAt: 30, chain: chain('2', '3') });
    scene.through(publish(mine, back, 2));
    expect(current(scene)).toMatchObject({ access: back.access });
    // An undated one may as well be the old file.
    const undated = createScene();
    undated.connect(mine, founder);
    undated.through(publish(mine, observed('2')));
    expect(verdicts(undated.through(publish(mine, observed('3', { chain: chain('2', '3') }), 2)))).toEqual(['stale']);
  });
});
