import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import { describe, expect, it } from 'vitest';
import { createScene, only, other, type Scene, self, sent, start } from './agent-scene.ts';
import { askingMax } from './state.ts';

type Overview = Extract<AnswerBody, { type: 'overview' }>;
const node = (id: typeof self): Overview['nodes'][number] => ({
  id,
  name: id.slice(0, 4),
  online: true,
  lastSeen: null,
  joinedAt: start,
  invitedBy: null,
  version: '1',
});
const part = (ids: readonly (typeof self)[], last: boolean): Overview => ({
  type: 'overview',
  pools: [],
  drift: [],
  nodes: ids.map(node),
  accounts: [],
  at: start,
  last,
});

const ask = (scene: Scene, request: number) => scene.tell({ type: 'asked', request, control: { op: 'status' } });
const answer = (scene: Scene, request: number, body: AnswerBody) => scene.hear({ type: 'answer', request, body });
const replied = (effects: ReturnType<Scene['tell']>) => only(effects, 'reply').map(({ request }) => request);

function connected(): Scene {
  const scene = createScene();
  scene.connect();
  return scene;
}

describe('a question of the command line', () => {
  it('is answered once the coordinator’s overview is complete', () => {
    const scene = connected();
    expect(sent(ask(scene, 5))).toEqual([{ type: 'ask', request: 1, question: { type: 'overview' } }]);
    expect(replied(answer(scene, 1, part([self], false)))).toEqual([]);
    expect(scene.state().overview).toBeUndefined();
    scene.pass(100);
    expect(replied(answer(scene, 1, part([other], true)))).toEqual([5]);
    expect(scene.state().overview?.body.nodes.map(({ id }) => id)).toEqual([self, other]);
    expect(scene.state().overview?.at).toBe(start + 100);
  });

  it('shares the answer with others that ask meanwhile', () => {
    const scene = connected();
    ask(scene, 5);
    expect(sent(ask(scene, 6))).toEqual([]);
    expect(replied(answer(scene, 1, part([self], true)))).toEqual([5, 6]);
  });

  it('is answered with what is known when the coordinator takes too long, is lost, or is away', () => {
    const slow = connected();
    expect(only(ask(slow, 5), 'set-timer')).toMatchObject([{ timer: 'answer' }]);
    expect(replied(slow.tell({ type: 'timer-fired', timer: 'answer' }))).toEqual([5]);
    const lost = connected();
    ask(lost, 5);
    expect(replied(lost.tell({ type: 'link-closed', reason: 'lost', message: 'gone' }))).toEqual([5]);
    expect(replied(ask(lost, 6))).toEqual([6]);
  });

  it('is not answered with the rest of an answer that came too late', () => {
    const scene = connected();
    ask(scene, 5);
    answer(scene, 1, part([self], false));
    scene.tell({ type: 'timer-fired', timer: 'answer' });
    expect(sent(ask(scene, 6))).toMatchObject([{ request: 2 }]);
    expect(replied(answer(scene, 1, part([other], true)))).toEqual([]);
    answer(scene, 2, part([self], false));
    expect(replied(answer(scene, 2, part([other], true)))).toEqual([6]);
    expect(scene.state().overview?.body.nodes.map(({ id }) => id)).toEqual([self, other]);
  });

  it('still gets the whole of an answer that came too late and that nobody asked over', () => {
    const scene = connected();
    ask(scene, 5);
    scene.tell({ type: 'timer-fired', timer: 'answer' });
    expect(replied(answer(scene, 1, part([self], true)))).toEqual([]);
    expect(scene.state().overview?.body.nodes).toHaveLength(1);
  });

  it('does not wait behind too many others', () => {
    const scene = connected();
    for (let request = 1; request <= askingMax; request++) expect(replied(ask(scene, request))).toEqual([]);
    expect(replied(ask(scene, askingMax + 1))).toEqual([askingMax + 1]);
  });

  it('is not disturbed by answers to other questions', () => {
    const scene = connected();
    ask(scene, 5);
    expect(replied(answer(scene, 1, { type: 'linked', nodes: [self] }))).toEqual([]);
  });
});
