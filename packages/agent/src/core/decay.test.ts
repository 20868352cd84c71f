import { copyKey, type StoreId } from '@authmesh/shared/core/identifiers';
import { hour, minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  createDelivery,
  createScene,
  facts,
  holds,
  judgement,
  print,
  profile,
  type Scene,
  seen,
  start,
  store,
} from './agent-scene.ts';
import { decayOf } from './decay.ts';

const key = copyKey(store, profile);
const current = facts('2', 2, { refresh: print('b'), expiresAt: start + 2 * hour });
const old = { refresh: print('a'), expiresAt: start + hour };

const decay = (scene: Scene, at: number) => decayOf(scene.state(), key, at)?.state;

describe(decayOf, () => {
  it('names a login that ends while nobody heals it', () => {
    const scene = createDelivery('2', current, { ...old, refresh: print('b') });
    scene.hear(judgement('in-step', '2'));
    expect(decay(scene, start)).toBeUndefined();
    expect(decay(scene, start + hour)).toBe('expired');
  });

  it('leaves alone what is being healed, or waits for its turn', () => {
    const scene = createDelivery('1', current, { ...old, refresh: undefined, expiresAt: start - 1 });
    scene.hear(judgement('stale', '1'));
    expect(scene.state().claims.byCopy.has(key)).toBe(true);
    expect(decay(scene, start + hour)).toBeUndefined();
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'it went away' });
    expect(decay(scene, start + hour)).toBe('expired');
  });

  it('leaves alone a main store that comes after the others', () => {
    const other = '/home/claw/.openclaw/agents/other/agent/auth-profiles.json' as StoreId;
    const layout = new Map([store, other].map(one => [one, { sessions: 1, fallback: store }] as const));
    const scene = createScene({ layout });
    const dead = {
      state: 'readable',
      profiles: [seen('1', { ...old, refresh: undefined, expiresAt: start - 1 })],
    } as const;
    for (const one of [store, other]) scene.tell({ type: 'store-observed', store: one, seen: dead });
    scene.connect();
    scene.hear({ type: 'synced' });
    scene.announce(current);
    const word = { profile, access: print('1'), verdict: 'stale', why: 'an old one' } as const;
    scene.hear({ type: 'judgements', judgements: [store, other].map(one => ({ ...word, store: one })) });
    expect(scene.state().claims.byCopy.has(key)).toBe(false);
    expect(decay(scene, start + hour)).toBeUndefined();
  });

  it('names a pair that is used up and still stands there after a minute', () => {
    const scene = createDelivery('1', current, old);
    scene.hear(judgement('stale', '1'));
    const failed = { result: 'failed', reason: 'the disk is full (ENOSPC)' } as const;
    scene.tell({ type: 'write-settled', store, profile, outcome: failed });
    scene.tell(holds(seen('1', old)));
    scene.hear(judgement('stale', '1'));
    expect(decay(scene, start)).toBeUndefined();
    expect(decay(scene, start + 2 * minute)).toBe('spent');
  });
});
