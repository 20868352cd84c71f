import { copyKey } from '@authmesh/shared/core/identifiers';
import { minute } from '@authmesh/shared/core/time';
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

describe('a gateway that puts its old login back', () => {
  it('is told three times, and then said to overwrite what is delivered', () => {
    const scene = createDelivery('1', current);
    for (let round = 1; round <= 3; round++) {
      expect(deliver(scene)).toBe(1);
      expect(copyOf(scene)?.trouble).toBeUndefined();
      expect(notes(scene.tell(holds(seen('1'))))).toContain('delivery-overwritten');
    }
    expect(copyOf(scene)?.trouble).toMatch(/^overwritten by the gateway: .* 3 times/);
    expect(deliver(scene)).toBe(0);
    scene.pass(minute);
    scene.tell({ type: 'timer-fired', timer: 'revisit' });
    scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'written', seen: seen('2') } });
    expect(copyOf(scene)).toMatchObject({ seen: { access: print('2') }, trouble: undefined });
  });

  it('is none where another login comes, or the next one of the fleet', () => {
    const scene = createDelivery('1', current);
    deliver(scene);
    expect(notes(scene.tell(holds(seen('3'))))).not.toContain('delivery-overwritten');
    const other = createDelivery('1', current);
    for (let round = 1; round <= 2; round++) {
      deliver(other);
      other.tell(holds(seen('1')));
    }
    other.announce(facts('4', 2, { expiresAt: start + later }));
    other.hear(judgement('stale', '1'));
    other.tell({ type: 'write-settled', store, profile, outcome: { result: 'written', seen: seen('4') } });
    expect(copyOf(other)?.delivered).toEqual({ access: print('4'), replaced: print('1'), rounds: 0 });
  });
});
