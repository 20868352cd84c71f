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
  print,
  profile,
  publish,
  type Scene,
  sealedOf,
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

  it('still has an operator’s choice once a host has completed it', () => {
    const scene = restored();
    scene.through(publish(theirs, remembered('1', 3, true), 3));
    scene.through(publish(theirs, { ...remembered('1', 3, true), refresh: observed('a').access }, 3));
    expect(current(scene)).toMatchObject({ refresh: observed('a').access, why: 'restored' });
  });
});

describe('a place in the order that a coordinator back from a backup gave once more', () => {
  // As the fleet had it, 3 stood where 4 stands now; one node was told of 3, and was away when 2 was renewed into 4.
  const renewed = observed('4', { issuedAt: 40, chain: chain('3', '2') });

  it.each([
    ['and it was issued earlier', { ...remembered('9', 3), issuedAt: 30 }],
    ['and it is an ancestor', remembered('3', 3)],
    ['or beyond, and it is an ancestor', remembered('3', 5)],
  ])('is left by the current login when a node knows another one there, %s', (_, theirCopy) => {
    const scene = restored();
    scene.through(publish(mine, renewed, 3));
    const revision = theirCopy.announced?.position.revision ?? 0;
    scene.through(knows(theirs, revision, 3));
    const effects = scene.through(acknowledge(theirs, theirCopy));
    expect(verdicts(effects, theirs)).toEqual(['stale']);
    const position = { epoch: revision > 3 ? 2 : 1, revision: revision + 1 };
    const moved = { access: renewed.access, position, generation: 3 };
    expect(only(effects, 'announce')).toMatchObject([{ links: 'all', announcement: moved }]);
    expect(only(scene.through(acknowledge(theirs, theirCopy)), 'announce')).toEqual([]);
    expect(current(scene)).toMatchObject({ ...moved, recoveredFrom: { epoch: 1, revision: 3 } });
  });

  it('is not left for a place in an epoch that no node has told of', () => {
    const scene = restored();
    const announced = { position: { epoch: 7, revision: 1 }, home: founder, origin: founder };
    const effects = scene.through(acknowledge(theirs, { ...remembered('1', 1), announced }));
    expect([verdicts(effects, theirs), only(effects, 'announce')]).toEqual([['stale'], []]);
  });

  it('is left for a node that takes only a later generation when the current login has been sealed in it', () => {
    const scene = restored();
    scene.through(publish(mine, renewed, 3));
    const ours = { ...renewed, announced: remembered('4', 3).announced };
    scene.through(acknowledge(mine, ours));
    expect(verdicts(scene.through(knows(theirs, 3, 7)), mine)).toEqual(['wanted']);
    const refused = scene.through(acknowledge(theirs, remembered('3', 3)));
    expect([verdicts(refused, theirs), only(refused, 'announce')]).toEqual([['stale'], []]);
    const sealed = { access: renewed.access, generation: 7, position: { epoch: 1, revision: 4 } };
    expect(only(scene.through(publish(mine, ours, 7)), 'announce')).toMatchObject([{ announcement: sealed }]);
  });
});

it('a node that has heard what a coordinator back from a backup told since is not taken to know more', () => {
  const scene = restored();
  scene.through(knows(theirs, 9));
  const login = { kind: 'oauth', profile, expiresAt: null, origin: guest, home: guest, restored: false } as const;
  const facts = { ...login, account, access: print('5'), position: { epoch: 1, revision: 9 }, generation: 9 };
  scene.through({
    type: 'frame-received',
    link: theirs,
    message: { type: 'recollection', facts, sealed: sealedOf('5') },
  });
  const position = { epoch: 2, revision: 10 };
  expect(current(scene)).toMatchObject({ position, recoveredFrom: { epoch: 1, revision: 9 } });
  const known = [{ account, position, generation: 9 }];
  const effects = scene.through({
    type: 'frame-received',
    link: mine,
    message: { type: 'inventory', observations: [], known, last: true },
  });
  expect(only(effects, 'send').map(({ message }) => message.type)).toEqual(['synced']);
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
  });

  it('does not make an ancestor of the later one by an old file that came back there', () => {
    const scene = restored();
    // 3 grew out of 2 and became 4; the operator of one host has put 3 back, and that host reports first.
    scene.through(publish(mine, observed('3', { chain: chain('4', '3', '2') }), 3));
    scene.through(publish(theirs, observed('4', { chain: chain('3', '2') }), 4));
    expect(current(scene)).toMatchObject({ access: observed('4').access });
  });

  it('has what stands there taken for the old file, where nothing says which is later', () => {
    const undated = createScene();
    undated.connect(mine, founder);
    undated.through(publish(mine, observed('2')));
    expect(verdicts(undated.through(publish(mine, observed('3', { chain: chain('2', '3') }), 2)))).toEqual(['stale']);
  });
});
