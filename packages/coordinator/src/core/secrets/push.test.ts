import type { Sealed } from '@authmesh/shared/core/identifiers';
import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import { second } from '@authmesh/shared/core/time';
import type { PushedNode } from '@authmesh/shared/protocol/push';
import { describe, expect, it } from 'vitest';
import { answers, createScene, founder, guest, only, print, type Scene } from '../coordinator-scene.ts';
import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorEvent } from '../event.ts';

const sealed = 'c2VhbGVk' as Sealed;
const name = 'KEY';
const reading = (place?: string): SecretReading => ({
  name,
  place,
  source: '/srv/.env',
  kind: 'stored',
  found: { state: 'read', exact: print('a'), loose: print('a'), forms: [] },
});
const frame = (
  link: number,
  message: Extract<CoordinatorEvent, { type: 'frame-received' }>['message'],
): CoordinatorEvent => ({
  type: 'frame-received',
  link,
  message,
});

function connected(place?: string): Scene {
  const scene = createScene();
  scene.connect(1, founder);
  scene.connect(2, guest);
  scene.through(frame(1, { type: 'secrets', keyEpoch: 1, readings: [reading()] }));
  scene.through(frame(2, { type: 'secrets', keyEpoch: 1, readings: [reading(place)] }));
  return scene;
}

const push = (scene: Scene, from = 'pc-a') => scene.ask(1, { type: 'push', name, from, order: sealed });
const sent = (effects: readonly CoordinatorEffect[]) =>
  only(effects, 'send').map(({ link, message }) => [link, message.type]);
const given = (scene: Scene, link = 1) => scene.through(frame(link, { type: 'secret-given', push: 1, value: sealed }));
const taken = (scene: Scene, link: number) =>
  scene.through(frame(link, { type: 'secret-taken', push: 1, results: [{ target: 'a file', state: 'written' }] }));

function nodesOf(effects: readonly CoordinatorEffect[]): [string, PushedNode['state']][] {
  const [body] = answers(effects);
  if (body?.type !== 'pushed') throw new Error('no answer came');
  return body.nodes.map(({ node, state }) => [node, state]);
}

describe('a push', () => {
  it('asks one host for the value, gives it to all, and says what became of it when all have answered', () => {
    const scene = connected();
    expect(sent(push(scene))).toEqual([[1, 'give-secret']]);
    expect(sent(given(scene))).toEqual([
      [1, 'take-secret'],
      [2, 'take-secret'],
    ]);
    expect(answers(taken(scene, 1))).toEqual([]);
    expect(nodesOf(taken(scene, 2))).toEqual([
      ['pc-a', 'done'],
      ['t440', 'done'],
    ]);
  });

  it('comes from the host that reads the place which is named', () => {
    const scene = connected('railway');
    expect(only(push(scene, 'railway'), 'send').map(({ link, message }) => [link, message])).toMatchObject([
      [2, { type: 'give-secret', place: 'railway' }],
    ]);
  });

  it.each([
    ['of a secret that nobody compares', createScene, 'pc-a', 'no host compares'],
    ['from a host that nobody knows', connected, 'nobody', 'no host or place'],
  ])('%s is refused', (_, make, from, message) => {
    const scene = make();
    scene.connect(1, founder);
    expect(answers(push(scene, from))).toMatchObject([{ type: 'problem', message: expect.stringContaining(message) }]);
  });

  it('takes a value from the host that was asked, and from no other', () => {
    const scene = connected();
    push(scene);
    expect(sent(given(scene, 2))).toEqual([]);
    expect(sent(given(scene, 1))).toHaveLength(2);
    expect(sent(given(scene, 1))).toEqual([]);
  });

  it('names who is away, who did not answer in time, and who went away meanwhile', () => {
    const away = connected();
    away.through({ type: 'link-closed', link: 2 });
    push(away);
    given(away);
    expect(nodesOf(taken(away, 1))).toEqual([
      ['t440', 'away'],
      ['pc-a', 'done'],
    ]);
    const silent = connected();
    push(silent);
    given(silent);
    taken(silent, 1);
    silent.pass(41 * second);
    expect(nodesOf(silent.through({ type: 'timer-fired', timer: 'pushes' }))).toEqual([
      ['t440', 'silent'],
      ['pc-a', 'done'],
    ]);
    const left = connected();
    push(left);
    given(left);
    taken(left, 1);
    expect(nodesOf(left.through({ type: 'link-closed', link: 2 }))).toContainEqual(['t440', 'silent']);
  });

  it('ends with a sentence where the value does not come', () => {
    const refused = connected();
    push(refused, 't440');
    const effects = refused.through(frame(2, { type: 'secret-given', push: 1, why: 'it is not there' }));
    expect(answers(effects)).toMatchObject([
      { type: 'problem', message: 't440 does not give the value: it is not there' },
    ]);
    const silent = connected();
    push(silent, 't440');
    silent.pass(21 * second);
    expect(answers(silent.through({ type: 'timer-fired', timer: 'pushes' }))).toMatchObject([{ type: 'problem' }]);
    const gone = connected();
    push(gone, 't440');
    expect(answers(gone.through({ type: 'link-closed', link: 2 }))).toMatchObject([{ type: 'problem' }]);
  });
});
