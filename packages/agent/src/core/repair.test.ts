import { hour } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  createDelivery,
  createScene,
  facts,
  judgement,
  profile,
  type Scene,
  seen,
  start,
  store,
} from './agent-scene.ts';
import { repairOf } from './repair.ts';

const current = facts('2', 2, { expiresAt: start + hour });
const look = (scene: Scene) => repairOf(scene.state(), start);

/** Tells the host where its only claim stands. */
function queue(scene: Scene, place: number): void {
  const { run, nextNumber, byId } = scene.state().claims;
  const [id = 0] = byId.keys();
  const queued = [{ id, pool: 'web', place, etaMs: 20_000, why: 'others come first' }];
  scene.hear({ type: 'permits', run, number: nextNumber - 1, granted: [], queued, refused: [] });
}

describe(repairOf, () => {
  it('knows nothing fresher without the coordinator, and is busy until all is judged', () => {
    const scene = createScene();
    expect(look(scene).phase).toBe('away');
    scene.connect();
    expect(look(scene).phase).toBe('busy');
    scene.hear({ type: 'synced' });
    expect(look(scene)).toEqual({ phase: 'done', waiting: [] });
  });

  it('waits for what is granted, and not for what is in line', () => {
    const scene = createDelivery('1', current, { expiresAt: start - hour });
    expect(look(scene).phase).toBe('busy');
    scene.hear(judgement('stale', '1'));
    expect(look(scene)).toEqual({ phase: 'busy', waiting: [] });
    queue(scene, 3);
    expect(look(scene)).toEqual({ phase: 'done', waiting: [{ store, profile, place: 3, etaMs: 20_000 }] });
    scene.grant();
    expect(look(scene)).toEqual({ phase: 'busy', waiting: [] });
    const written = { result: 'written', seen: seen('2', { expiresAt: start + hour }) } as const;
    scene.tell({ type: 'write-settled', store, profile, outcome: written });
    scene.hear(judgement('in-step', '2'));
    expect(look(scene)).toEqual({ phase: 'done', waiting: [] });
  });

  it('puts nothing in line that the fleet has no usable login for', () => {
    const scene = createDelivery('1', facts('2', 2, { expiresAt: start - 1 }), { expiresAt: start - hour });
    scene.hear(judgement('stale', '1'));
    expect(look(scene)).toEqual({ phase: 'done', waiting: [] });
  });
});
