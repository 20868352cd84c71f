import { copyKey } from '@authmesh/shared/core/identifiers';
import { hour, minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { createScene, facts, holds, judgement, print, profile, type Scene, seen, start, store } from './agent-scene.ts';
import type { Memory } from './effect.ts';
import { fitnessOf } from './fitness.ts';

const ends = { refresh: print('a'), expiresAt: start + hour };
const current = facts('1', 1, { refresh: print('a'), expiresAt: start + hour });

/** What is said of the only copy. */
function fitness(scene: Scene, lifeMsMin = 15 * minute) {
  const copy = scene.state().copies.get(copyKey(store, profile));
  return copy && fitnessOf(scene.state(), copy, start, lifeMsMin)?.state;
}

function sceneWith(...events: readonly Parameters<Scene['tell']>[0][]): Scene {
  const scene = createScene();
  for (const event of events) scene.tell(event);
  return scene;
}

/** A store that had `access` before and has `now`; the fleet's login is `known`. */
function restarted(access: string, now: string, known = current): Scene {
  const account: Memory = { kind: 'account', account: known };
  const before = {
    store,
    profile,
    account: known.account,
    last: { access: print(access), refresh: print('a') },
    chain: [],
  };
  const scene = createScene({}, [account, { kind: 'copy', key: copyKey(store, profile), copy: before }]);
  scene.tell(holds(seen(now, { ...ends, refresh: print(now === access ? 'a' : 'b') })));
  return scene;
}

describe(fitnessOf, () => {
  it('goes by what is left of the access token', () => {
    const scene = sceneWith(holds(seen('1', ends)));
    expect(fitness(scene)).toBe('usable');
    expect(fitness(scene, 2 * hour)).toBe('expiring');
    expect(fitness(sceneWith(holds(seen('1', { ...ends, expiresAt: start }))))).toBe('expired');
    expect(fitness(sceneWith(holds(seen('1', { expiresAt: null }))), 2 * hour)).toBe('usable');
  });

  it.each([
    ['empty', 'missing'],
    ['implausible', 'unreadable'],
    ['fence-pending', 'fenced'],
    ['fence-failed', 'fenced'],
  ] as const)('calls what is %s %s', (health, state) => {
    expect(fitness(sceneWith(holds(seen('1', { health, access: undefined }))))).toBe(state);
  });

  it('tells a deleted profile from a store that is gone, and that from one nobody can read', () => {
    const had = holds(seen('1', ends));
    expect(fitness(sceneWith(had, holds()))).toBeUndefined();
    const gone = { type: 'store-observed', store, seen: { state: 'absent' } } as const;
    expect(fitness(sceneWith(had, gone))).toBe('missing');
    const odd = { type: 'store-observed', store, seen: { state: 'quarantined', reason: 'it is not JSON' } } as const;
    expect(fitness(sceneWith(had, odd))).toBe('unreadable');
  });

  it('knows a refresh token that is used up: by the coordinator’s word', () => {
    const scene = sceneWith(holds(seen('0', { ...ends, refresh: print('b') })));
    scene.connect();
    scene.hear({ type: 'synced' });
    scene.hear(judgement('stale', '0'));
    expect(fitness(scene)).toBe('spent');
  });

  it('knows it by what the store held later, and does not take the newer one for it', () => {
    const back = restarted('1', '2');
    expect(fitness(back)).toBe('usable');
    back.tell(holds(seen('1', ends)));
    expect(fitness(back)).toBe('usable');
    const later = facts('2', 2, { refresh: print('b'), expiresAt: start + hour });
    const stale = restarted('2', '1', later);
    stale.tell(holds(seen('2', { ...ends, refresh: print('b') })));
    stale.tell(holds(seen('1', ends)));
    expect(fitness(stale)).toBe('spent');
  });

  it('knows it where another store of the host has renewed the very login', () => {
    const beside = '/home/claw/work/auth-profiles.json' as typeof store;
    const scene = restarted('1', '1');
    const at = (access: string, refresh: string) => ({
      type: 'store-observed' as const,
      store: beside,
      seen: { state: 'readable' as const, profiles: [seen(access, { ...ends, refresh: print(refresh) })] },
    });
    scene.tell(at('1', 'a'));
    expect(fitness(scene)).toBe('usable');
    scene.tell(at('2', 'b'));
    expect(fitness(scene)).toBe('spent');
  });
});
