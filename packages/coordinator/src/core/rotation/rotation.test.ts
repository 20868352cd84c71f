import type { Sealed } from '@authmesh/shared/core/identifiers';
import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import { day, minute, second } from '@authmesh/shared/core/time';
import type { RotationReport } from '@authmesh/shared/protocol/rotation';
import { describe, expect, it } from 'vitest';
import { answers, createScene, founder, guest, only, print, type Scene } from '../coordinator-scene.ts';
import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorEvent } from '../event.ts';
import { rotationsKey } from '../record.ts';
import type { RotationsRecord } from './rotations.ts';

const name = 'KEY';
const [value, previous] = ['bmV3', 'b2xk'] as [Sealed, Sealed];
const found = { state: 'read', exact: print('a'), loose: print('a'), forms: [] } as const;
const readings: SecretReading[] = [{ name, source: '/srv/.env', kind: 'stored', found }];
const frame = (link: number, message: Extract<CoordinatorEvent, { type: 'frame-received' }>['message']) =>
  ({ type: 'frame-received', link, message }) as const;
const told = (link: number, everyMs?: number) =>
  frame(link, {
    type: 'secrets',
    keyEpoch: 1,
    readings,
    rotates: everyMs === undefined ? undefined : [{ name, everyMs }],
  });

/** A holder that rotates the secret each day on link 1, and another host that has it on link 2. */
function fleet(stored: Parameters<typeof createScene>[0] = {}): Scene {
  const scene = createScene(stored);
  scene.tell({ type: 'started' });
  scene.connect(1, founder);
  scene.connect(2, guest);
  scene.through(told(1, day));
  scene.through(told(2));
  return scene;
}

const rotation = (scene: Scene) => [...scene.state().rotations.byKey.values()][0];
const asked = (effects: readonly CoordinatorEffect[]) =>
  only(effects, 'send').flatMap(({ link, message }) =>
    message.type === 'rotation-order' ? [[link, message.step]] : [],
  );

function report(scene: Scene, link: number, step: RotationReport['step'], more: Partial<RotationReport> = {}) {
  const { epoch = 0 } = rotation(scene) ?? {};
  return scene.through(frame(link, { type: 'rotation-report', name, epoch, step, ...more }));
}
/** An operator's wish, until it is durable. */
function begin(scene: Scene): readonly CoordinatorEffect[] {
  return scene.through(frame(2, { type: 'ask', request: 1, question: { type: 'rotate', name } }));
}
function upTo(scene: Scene, step: 'stage' | 'switch' | 'apply'): readonly CoordinatorEffect[] {
  begin(scene);
  let effects = report(scene, 1, 'make', { value, previous });
  if (step !== 'stage') effects = report(scene, 2, 'stage');
  if (step === 'apply') effects = report(scene, 1, 'switch');
  return effects;
}
/** What the store has of it, for a coordinator that is started again. */
function stored(scene: Scene): { record: RotationsRecord; storeRevision: number } {
  const record = { rotations: [...scene.state().rotations.durable.values()] };
  return { record: JSON.parse(JSON.stringify(record)) as RotationsRecord, storeRevision: 7 };
}

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
    const due = { type: 'timer-fired', timer: 'rotations' } as const;
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
    // One that could not take it is asked again, and not at once.
    expect(asked(report(scene, 4, 'apply', { why: 'the disk is full' }))).toEqual([]);
    scene.pass(minute);
    expect(asked(scene.through({ type: 'timer-fired', timer: 'rotations' }))).toEqual([[4, 'apply']]);
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
