import { minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { secretConditions } from '../alerts/fleet-conditions.ts';
import { guest, only, type Scene } from '../coordinator-scene.ts';
import { asked, fleet, frame, report, rotation, told, upTo } from './rotation-scene.ts';

const due = { type: 'timer-fired', timer: 'rotations' } as const;

describe('after the switch was asked for', () => {
  it('a host that could not take the value is asked again, and not at once; the others are not', () => {
    const scene = fleet();
    expect(asked(upTo(scene, 'apply'))).toEqual([[2, 'apply']]);
    expect(asked(report(scene, 2, 'apply', { why: 'the disk is full' }))).toEqual([]);
    expect(asked(scene.through(told(2)))).toEqual([]);
    scene.pass(minute);
    expect(asked(scene.through(due))).toEqual([[2, 'apply']]);
    expect(asked(scene.through(due))).toEqual([]);
  });

  it('both values stay where it is not known which is accepted, and the switch is asked for again', () => {
    const scene = fleet();
    upTo(scene, 'switch');
    expect(asked(report(scene, 1, 'switch', { why: 'status 3', isStuck: true }))).toEqual([]);
    const both = { value: expect.any(String), previous: expect.any(String) };
    expect(rotation(scene)).toMatchObject({ phase: 'switching', failed: { why: 'status 3' }, ...both });
    scene.pass(minute);
    const again = scene.through(due);
    expect(asked(again)).toEqual([[1, 'switch']]);
    expect(only(again, 'send').map(({ message }) => message)).toContainEqual(expect.objectContaining(both));
    report(scene, 1, 'switch');
    expect(rotation(scene)).toMatchObject({ phase: 'spreading', pending: [guest], failed: undefined });
  });

  it('nobody waits for a host that has left, or that has the secret no more', () => {
    const scene = fleet();
    upTo(scene, 'apply');
    scene.through(frame(2, { type: 'secrets', keyEpoch: 1, readings: [] }));
    expect(rotation(scene)).toMatchObject({ phase: 'resting', pending: [] });
  });

  it('nobody waits for the switch of a host that has left the fleet', () => {
    const scene = fleet();
    upTo(scene, 'switch');
    scene.through(frame(1, { type: 'ask', request: 3, question: { type: 'leave', keeps: [] } }));
    expect(rotation(scene)).toMatchObject({
      phase: 'resting',
      failed: { why: expect.stringContaining('left the fleet'), isUnknown: true },
    });
  });
});

describe('what is told of a rotation', () => {
  const alerted = (scene: Scene) => {
    const [condition, ...others] = secretConditions(scene.state(), scene.state().at);
    expect(others).toEqual([]);
    return condition && [condition.kind, condition.severity, condition.breaks, condition.where];
  };

  it('is nothing while it comes along, and who is missing when it does not come to its end', () => {
    const scene = fleet();
    upTo(scene, 'apply');
    expect(alerted(scene)).toBeUndefined();
    scene.pass(2 * minute);
    scene.through(due);
    expect(alerted(scene)).toEqual(['rotation-failed', 'warning', expect.stringContaining('turned away'), ['t440']]);
  });

  it('is harmless where it went back, and critical where nobody knows which value is accepted', () => {
    const failed = fleet();
    upTo(failed, 'switch');
    report(failed, 1, 'switch', { why: 'status 3' });
    expect(alerted(failed)).toEqual(['rotation-failed', 'warning', expect.stringContaining('nothing'), ['pc-a']]);
    for (const happens of [
      (scene: Scene) => report(scene, 1, 'switch', { why: 'status 3', isStuck: true }),
      (scene: Scene) => scene.through(frame(1, { type: 'ask', request: 3, question: { type: 'leave', keeps: [] } })),
    ]) {
      const scene = fleet();
      upTo(scene, 'switch');
      happens(scene);
      expect(alerted(scene)).toEqual([
        'rotation-failed',
        'critical',
        expect.stringContaining('turned away'),
        expect.any(Array),
      ]);
    }
  });
});
