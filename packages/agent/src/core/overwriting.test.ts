import { copyKey } from '@authmesh/shared/core/identifiers';
import { minute, second } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  createDelivery,
  facts,
  holds,
  judgement,
  later,
  notes,
  only,
  print,
  profile,
  type Scene,
  seen,
  start,
  store,
} from './agent-scene.ts';

const current = facts('2', 1, { expiresAt: start + later });
const copyOf = (scene: Scene) => scene.state().copies.get(copyKey(store, profile));

/** The fleet's login is written over the old one that stands there; how many deliveries that started. */
function deliver(scene: Scene): number {
  const started = only(scene.hear(judgement('stale', '1')), 'write-credential').length;
  if (started > 0)
    scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'written', seen: seen('2') } });
  return started;
}

/** The old login is judged, and time passes; how many deliveries that started. */
function answer(scene: Scene, passesMs: number): number {
  scene.hear(judgement('stale', '1'));
  scene.pass(passesMs);
  const started = only(scene.tell({ type: 'timer-fired', timer: 'revisit' }), 'write-credential').length;
  if (started > 0)
    scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'written', seen: seen('2') } });
  return started;
}

describe('a gateway that puts its old login back', () => {
  it('is answered each time while it is being told, and after three rounds said to overwrite what is delivered', () => {
    const scene = createDelivery('1', current);
    deliver(scene);
    for (let round = 1; round <= 3; round++) {
      expect(notes(scene.tell(holds(seen('1'))))).toContain('delivery-overwritten');
      for (let turn = 1; turn <= 8; turn++) {
        expect(copyOf(scene)?.trouble).toBeUndefined();
        expect(deliver(scene)).toBe(1);
        scene.pass(500);
        expect(notes(scene.tell(holds(seen('1'))))).not.toContain('delivery-overwritten');
      }
      expect(deliver(scene)).toBe(1);
      scene.pass(2 * second);
    }
    scene.tell(holds(seen('1')));
    expect(copyOf(scene)?.trouble).toMatch(/^overwritten by the gateway: .* after 3 rounds of deliveries/);
    expect(answer(scene, 59 * second)).toBe(0);
    expect(answer(scene, second)).toBe(1);
    expect(copyOf(scene)).toMatchObject({ seen: { access: print('2') }, trouble: undefined });
    // The gateway is told now, once more: what it overwrites meanwhile is put back until then.
    scene.tell(holds(seen('1')));
    expect(copyOf(scene)?.trouble).toMatch(/^overwritten by the gateway/);
    expect(deliver(scene)).toBe(1);
    scene.pass(minute);
    scene.tell(holds(seen('1')));
    expect(answer(scene, 59 * second)).toBe(0);
    // The fleet's next login does not wait for what became of this one.
    expect(only(scene.announce(facts('5', 2, { expiresAt: start + later })), 'write-credential')).toHaveLength(1);
  });

  it('is none where another login comes, or the next one of the fleet', () => {
    const scene = createDelivery('1', current);
    deliver(scene);
    expect(notes(scene.tell(holds(seen('3'))))).not.toContain('delivery-overwritten');
    const other = createDelivery('1', current);
    deliver(other);
    other.tell(holds(seen('1')));
    other.announce(facts('4', 2, { expiresAt: start + later }));
    other.hear(judgement('stale', '1'));
    other.tell({ type: 'write-settled', store, profile, outcome: { result: 'written', seen: seen('4') } });
    expect(copyOf(other)?.delivered).toEqual({ access: print('4'), replaced: print('1'), rounds: 0 });
  });
});
