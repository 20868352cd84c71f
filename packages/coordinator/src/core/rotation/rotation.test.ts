import { day, second } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { answers, createScene, founder, guest, type Scene } from '../coordinator-scene.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { rotationsKey } from '../record.ts';
import {
  asked,
  begin,
  fleet,
  frame,
  name,
  previous,
  report,
  rotation,
  stored,
  told,
  upTo,
  value,
} from './rotation-scene.ts';

const due = { type: 'timer-fired', timer: 'rotations' } as const;

describe('a rotation', () => {
  it('is made, staged, switched and spread, each step only when the one before is durable', () => {
    const scene = fleet();
    const question = frame(2, { type: 'ask', request: 1, question: { type: 'rotate', name } });
    expect(asked(scene.tell(question))).toEqual([]);
    expect(asked(scene.persist(rotationsKey))).toEqual([[1, 'make']]);
    expect(asked(report(scene, 1, 'make', { value, previous }))).toEqual([[2, 'stage']]);
    expect(asked(report(scene, 2, 'stage'))).toEqual([[1, 'switch']]);
    expect(asked(report(scene, 1, 'switch'))).toEqual([[2, 'apply']]);
    expect(rotation(scene)).toMatchObject({ phase: 'spreading', pending: [guest] });
    report(scene, 2, 'apply');
    expect(rotation(scene)).toMatchObject({ phase: 'resting', pending: [] });
    expect(Object.keys(rotation(scene) ?? {})).not.toContain('value');
  });

  it('begins by itself when its time has come, not as soon as it is known that it has one', () => {
    const scene = fleet();
    expect(asked(scene.through(due))).toEqual([]);
    scene.pass(day);
    expect(asked(scene.through(due))).toEqual([[1, 'make']]);
  });

  it('begins in time after a clock that was far ahead', () => {
    const ahead = fleet();
    ahead.pass(700 * day);
    upTo(ahead, 'apply');
    report(ahead, 2, 'apply');
    const scene = fleet({ rotations: stored(ahead) });
    expect(asked(scene.through(due))).toEqual([]);
    scene.pass(day);
    expect(asked(scene.through(due))).toEqual([[1, 'make']]);
  });

  it.each<[string, (scene: Scene) => readonly CoordinatorEffect[], RegExp]>([
    [
      'no value is made',
      scene => {
        begin(scene);
        return report(scene, 1, 'make', { why: 'it ended with status 1' });
      },
      /made no value/,
    ],
    [
      'somebody cannot take it',
      scene => {
        upTo(scene, 'stage');
        return report(scene, 2, 'stage', { why: 'no folder' });
      },
      /t440 cannot take/,
    ],
    [
      'the switch fails',
      scene => {
        upTo(scene, 'switch');
        return report(scene, 1, 'switch', { why: 'status 3' });
      },
      /went back: status 3/,
    ],
    [
      'its host goes away',
      scene => {
        upTo(scene, 'stage');
        return scene.through({ type: 'link-closed', link: 1 });
      },
      /before the switch/,
    ],
    [
      'nobody answers',
      scene => {
        upTo(scene, 'stage');
        scene.pass(41 * second);
        return scene.through({ type: 'timer-fired', timer: 'rotations' });
      },
      /did not answer/,
    ],
  ])('is over, and nothing is asked of anybody, where %s', (_, happens, why) => {
    const scene = fleet();
    expect(asked(happens(scene))).toEqual([]);
    expect(rotation(scene)).toMatchObject({ phase: 'resting', failed: { why: expect.stringMatching(why) } });
    expect(Object.keys(rotation(scene) ?? {})).not.toContain('value');
  });

  it('goes on with whoever is away: the host that switches, and those who have still to take it', () => {
    const scene = fleet();
    upTo(scene, 'switch');
    scene.through({ type: 'link-closed', link: 1 });
    expect(rotation(scene)?.phase).toBe('switching');
    scene.connect(3, founder);
    expect(asked(scene.through(told(3, day)))).toEqual([[3, 'switch']]);
    scene.through({ type: 'link-closed', link: 2 });
    expect(asked(report(scene, 3, 'switch'))).toEqual([]);
    expect(rotation(scene)).toMatchObject({ phase: 'spreading', pending: [guest] });
    scene.connect(4, guest);
    expect(asked(scene.through(told(4)))).toEqual([[4, 'apply']]);
  });

  it('does not wait for one that goes away while it is staged', () => {
    const scene = fleet();
    upTo(scene, 'stage');
    expect(asked(scene.through({ type: 'link-closed', link: 2 }))).toEqual([[1, 'switch']]);
  });

  it('of a coordinator that is started again is given up before the switch, and goes on after it', () => {
    const before = fleet();
    upTo(before, 'stage');
    const again = fleet({ rotations: stored(before) });
    expect(rotation(again)).toMatchObject({
      phase: 'resting',
      failed: { why: expect.stringContaining('started again') },
    });
    const after = fleet();
    upTo(after, 'switch');
    const switching = createScene({ rotations: stored(after) });
    switching.tell({ type: 'started' });
    switching.connect(1, founder);
    expect(asked(switching.through(told(1, day)))).toEqual([[1, 'switch']]);
  });

  it('is refused where nobody can do it, and where one is under way', () => {
    const scene = fleet();
    const answer = (of: string) => answers(scene.ask(2, { type: 'rotate', name: of }))[0];
    expect(answer('OTHER')).toMatchObject({
      type: 'problem',
      message: expect.stringContaining('no host can rotate OTHER'),
    });
    begin(scene);
    expect(answer(name)).toMatchObject({ type: 'problem', code: 'ERR_BUSY' });
    const alone = fleet();
    alone.through({ type: 'link-closed', link: 1 });
    expect(answers(alone.ask(2, { type: 'rotate', name }))[0]).toMatchObject({
      message: expect.stringContaining('is away'),
    });
  });

  it('heeds no report of another attempt, or of a host that was not asked', () => {
    const scene = fleet();
    upTo(scene, 'switch');
    expect(asked(report(scene, 2, 'switch'))).toEqual([]);
    expect(asked(report(scene, 1, 'switch', { epoch: 1 }))).toEqual([]);
    expect(rotation(scene)?.phase).toBe('switching');
  });
});
