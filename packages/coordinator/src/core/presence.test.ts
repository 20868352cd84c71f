import { silenceMsMax } from '@authmesh/shared/core/heartbeat';
import { hour } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  account,
  acknowledge,
  createScene,
  founder,
  guest,
  notes,
  observed,
  only,
  publish,
  start,
} from './coordinator-scene.ts';
import { accountKey, nodeKey } from './record.ts';

function connected() {
  const scene = createScene();
  scene.connect(1, founder);
  scene.connect(2, guest);
  scene.connect(3, guest, { role: 'command' });
  return scene;
}

describe('silence', () => {
  it('ends the link of a daemon, not of a command line', () => {
    const scene = connected();
    scene.pass(silenceMsMax);
    scene.tell({ type: 'frame-received', link: 2, message: { type: 'beat', at: start } });
    scene.pass(1);
    const effects = scene.tell({ type: 'timer-fired', timer: 'sweep' });
    expect(only(effects, 'close-link')).toEqual([{ type: 'close-link', link: 1, reason: 'silent' }]);
    expect(only(effects, 'set-timer')).toMatchObject([{ timer: 'sweep' }]);
  });

  it('is broken by a sign of life, which is answered and tells the node’s clock', () => {
    const scene = connected();
    const effects = scene.tell({ type: 'frame-received', link: 1, message: { type: 'beat', at: start + 60_000 } });
    expect(effects).toEqual([{ type: 'send', link: 1, message: { type: 'beat', at: start } }]);
    expect(scene.state().sessions.get(1)?.clockOffsetMs).toBe(60_000);
    expect(scene.tell({ type: 'frame-received', link: 99, message: { type: 'beat', at: start } })).toEqual([]);
  });
});

describe('a clock that was set', () => {
  it('by a little makes nobody silent', () => {
    const scene = connected();
    scene.pass(silenceMsMax - 10_000);
    scene.setClock(20_000);
    expect(only(scene.tell({ type: 'timer-fired', timer: 'sweep' }), 'close-link')).toEqual([]);
    expect(notes(scene.tell({ type: 'timer-fired', timer: 'sweep' }))).toEqual([]);
  });

  it.each([hour, -hour])('by %d ms has every daemon come back, and judges nothing of it before', byMs => {
    const scene = connected();
    scene.setClock(byMs);
    const effects = scene.tell(publish(1, observed('1')));
    expect(only(effects, 'close-link').map(({ link, reason }) => [link, reason])).toEqual([
      [1, 'clockSet'],
      [2, 'clockSet'],
    ]);
    expect(only(effects, 'send').map(({ link, message }) => [link, message.type])).toEqual([
      [1, 'drain'],
      [2, 'drain'],
    ]);
    expect(scene.state().accounts.size).toBe(0);
    expect([...scene.state().sessions.keys()]).toEqual([3]);
    expect(scene.tell({ type: 'link-closed', link: 1 })).toEqual([]);
  });
});

describe('a second link of a node, when the clock is set', () => {
  it('comes back as well: it compared clocks before', () => {
    const scene = connected();
    scene.connect(4, founder);
    expect([...scene.state().challengers.keys()]).toEqual([4]);
    scene.setClock(-hour);
    const effects = scene.tell({ type: 'timer-fired', timer: 'sweep' });
    expect(only(effects, 'close-link').map(({ link }) => link)).toEqual([4, 1, 2]);
    expect([...scene.state().sessions.keys()]).toEqual([3]);
  });
});

describe('new configuration', () => {
  it('has every daemon come back for it, unless nothing changed', () => {
    const scene = connected();
    expect(scene.tell({ type: 'configured', policy: { allow: ['*'], deny: [] }, pools: [] })).toEqual([]);
    const effects = scene.tell({ type: 'configured', policy: { allow: ['*'], deny: ['xai*'] }, pools: [] });
    expect(only(effects, 'close-link').map(({ link, reason }) => [link, reason])).toEqual([
      [1, 'reconfigured'],
      [2, 'reconfigured'],
    ]);
    expect(only(effects, 'send').map(({ link, message }) => [link, message.type])).toEqual([
      [1, 'drain'],
      [2, 'drain'],
    ]);
  });
});

describe('draining', () => {
  it('sends each daemon away with its own moment to come back, then closes every link', () => {
    const effects = connected().tell({ type: 'drain-requested' });
    const moments = only(effects, 'send').map(({ link, message }) => [
      link,
      message.type === 'drain' && message.notBeforeMs,
    ]);
    expect(moments.map(([link]) => link)).toEqual([1, 2]);
    expect(new Set(moments.map(([, moment]) => moment)).size).toBe(2);
    for (const [, moment] of moments) expect(moment).toBeLessThan(5_000);
    expect(only(effects, 'close-link').map(({ link }) => link)).toEqual([1, 2, 3]);
    expect(only(effects, 'stop')).toEqual([]);
  });

  it('ends when every link is closed and what was on its way is durable', () => {
    const scene = connected();
    scene.tell(publish(1, observed('1')));
    scene.tell({ type: 'drain-requested' });
    expect(scene.tell({ type: 'drain-requested' })).toEqual([]);
    for (const link of [1, 2, 3]) expect(only(scene.tell({ type: 'link-closed', link }), 'stop')).toEqual([]);
    scene.persist(nodeKey(founder));
    scene.persist(nodeKey(guest));
    // What is durable is told to whoever still listens.
    const last = scene.persist(accountKey(account));
    expect(only(last, 'announce')).toHaveLength(1);
    expect(last.at(-1)).toEqual({ type: 'stop' });
  });

  it('ends at once where nobody is connected, and after a while whatever happens', () => {
    expect(only(createScene().tell({ type: 'drain-requested' }), 'stop')).toHaveLength(1);
    const scene = connected();
    expect(only(scene.tell({ type: 'timer-fired', timer: 'drained' }), 'stop')).toEqual([]);
    expect(only(scene.tell({ type: 'drain-requested' }), 'set-timer')).toMatchObject([{ timer: 'drained' }]);
    scene.tell(acknowledge(1, observed('1')));
    expect(only(scene.tell({ type: 'timer-fired', timer: 'drained' }), 'stop')).toHaveLength(1);
  });
});
