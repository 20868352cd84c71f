import { hour, minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  account,
  acknowledge,
  createScene,
  founder,
  guest,
  observed,
  only,
  print,
  publish,
  type Scene,
  start,
  verdicts,
} from './coordinator-scene.ts';
import { accountKey } from './record.ts';

const key = accountKey(account);
const home = 1;
const guests = 2;
const pair = { refresh: print('a') };

/** A login of the home that ends in an hour, accepted while the coordinator's clock was `aheadMs` ahead. */
function acceptedAhead(aheadMs: number): Scene {
  const scene = createScene();
  scene.setClock(aheadMs);
  scene.connect(home, founder, { at: start });
  scene.through(publish(home, observed('1', { ...pair, expiresAt: start + hour })));
  return scene;
}

const current = (scene: Scene) => scene.state().accounts.get(account)?.record.current;

describe('an end that was reckoned with a clock that was ahead', () => {
  const aheadMs = 10 * hour;
  const word = acknowledge(home, observed('1', { ...pair, expiresAt: start + hour }));

  it('is put right by the word of the home, when the clock was set back', () => {
    const scene = acceptedAhead(aheadMs);
    expect(current(scene)?.expiresAt).toBe(start + aheadMs + hour);
    scene.setClock(-aheadMs);
    expect(only(scene.through(word), 'close-link')).toHaveLength(1);
    scene.connect(home, founder);
    const right = { access: print('1'), expiresAt: start + hour, position: { revision: 2 } };
    expect(only(scene.through(word), 'announce')).toMatchObject([{ links: 'all', announcement: right }]);
    expect(only(scene.through(word), 'announce')).toEqual([]);
  });

  it('is put right also where the clock was set while nobody looked', () => {
    const before = acceptedAhead(aheadMs).state().accounts.get(account)?.record;
    const scene = createScene({ accounts: before ? [{ record: before, storeRevision: 7 }] : [] });
    scene.connect(home, founder);
    expect(only(scene.through(word), 'announce')).toHaveLength(1);
    expect(current(scene)?.expiresAt).toBe(start + hour);
  });

  it('makes no renewal look older that was made meanwhile, for its own store knows when the other one ended', () => {
    const scene = acceptedAhead(aheadMs);
    scene.setClock(-aheadMs);
    scene.connect(home, founder);
    const before = { access: print('1'), ...pair, expiresAt: start + hour };
    const renewed = observed('2', { refresh: print('b'), expiresAt: start + 2 * hour, chain: [before] });
    scene.through(publish(home, renewed, 2));
    expect(current(scene)).toMatchObject({ access: print('2'), expiresAt: start + 2 * hour });
  });

  it('makes no old file look newer', () => {
    const scene = acceptedAhead(aheadMs);
    scene.setClock(-aheadMs);
    scene.connect(home, founder);
    const before = { access: print('1'), ...pair, expiresAt: start + hour };
    const old = observed('2', { refresh: print('b'), expiresAt: start - hour, chain: [before] });
    expect(verdicts(scene.through(acknowledge(home, old)))).toEqual(['stale']);
  });
});

describe('the end of the fleet’s login', () => {
  const running = () => {
    const scene = createScene();
    scene.connect(home, founder);
    scene.connect(guests, guest);
    scene.through(publish(home, observed('1', { ...pair, expiresAt: start + hour })));
    return scene;
  };
  const told = (scene: Scene, link: number, more: Parameters<typeof observed>[1]) =>
    only(scene.through(acknowledge(link, observed('1', { ...pair, expiresAt: start + hour, ...more }))), 'announce');

  it('is the home’s to say, and only if it is earlier', () => {
    const scene = running();
    expect(told(scene, guests, { expiresAt: start + minute })).toEqual([]);
    expect(told(scene, home, { expiresAt: start + 2 * hour })).toEqual([]);
    expect(told(scene, home, { expiresAt: start + hour - minute })).toEqual([]);
    expect(told(scene, home, { expiresAt: null })).toEqual([]);
    expect(told(scene, home, { refresh: undefined, expiresAt: start + minute })).toEqual([]);
    expect(told(scene, home, { expiresAt: start + hour - 2 * minute })).toHaveLength(1);
  });

  it('is the earliest of several stores there, and stays that', () => {
    const scene = running();
    const work = { store: `${key}/work` as ReturnType<typeof observed>['store'] };
    expect(told(scene, home, { ...work, expiresAt: start + minute })).toHaveLength(1);
    expect(told(scene, home, {})).toEqual([]);
    expect(current(scene)?.expiresAt).toBe(start + minute);
  });

  it('comes back as far as it was accepted, when the clock of the home was wrong', () => {
    const scene = running();
    scene.tell({ type: 'link-closed', link: home });
    // It starts two hours ahead, until it has fetched the time.
    scene.connect(home, founder, { at: start + 2 * hour });
    expect(told(scene, home, {})).toHaveLength(1);
    expect(current(scene)?.expiresAt).toBe(start - hour);
    scene.through({ type: 'frame-received', link: home, message: { type: 'beat', at: start } });
    expect(current(scene)?.expiresAt).toBe(start + hour);
    expect(told(scene, home, { expiresAt: start + 3 * hour })).toEqual([]);
  });

  it('comes to a login that never ended', () => {
    const scene = createScene();
    scene.connect(home, founder);
    scene.through(publish(home, observed('1', pair)));
    expect(told(scene, home, {})).toHaveLength(1);
    expect(current(scene)?.expiresAt).toBe(start + hour);
  });
});
