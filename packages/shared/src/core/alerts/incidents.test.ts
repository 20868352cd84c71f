import { describe, expect, it } from 'vitest';
import { day, minute, second } from '../time.ts';
import { alertScene, conditionOf } from './alert-scene.ts';
import { clearMs, observe, openMax, resolvedMax } from './incidents.ts';

describe('an incident', () => {
  it('opens at once, and is over when its condition has been gone for two seconds', () => {
    const scene = alertScene();
    scene.break(conditionOf('one'));
    scene.pass(second);
    expect(scene.incident('one')).toMatchObject({ state: 'open', version: 1, openedAt: scene.now() });
    scene.mend('one');
    scene.pass(second);
    expect(scene.incident('one')?.state).toBe('open');
    scene.pass(2 * second);
    expect(scene.incident('one')).toMatchObject({ state: 'resolved', version: 2, resolvedAt: scene.now() });
  });

  it('changes when it gets worse, at once; and otherwise once in a minute', () => {
    const scene = alertScene();
    scene.break(conditionOf('one'));
    scene.pass(5 * second);
    scene.break(conditionOf('one', { where: ['vps', 'mac'] }));
    scene.pass(5 * second);
    expect(scene.incident('one')).toMatchObject({ version: 1, where: ['vps', 'mac'] });
    scene.pass(minute);
    expect(scene.incident('one')?.version).toBe(2);
    scene.break(conditionOf('one', { severity: 'critical', where: ['vps', 'mac'] }));
    scene.pass(second);
    expect(scene.incident('one')?.version).toBe(3);
  });

  it('does not change with what is only said beside it, nor forgets since when it is so', () => {
    const scene = alertScene();
    scene.break(conditionOf('one', { since: 10, why: 'it said 503' }));
    scene.pass(second);
    scene.break(conditionOf('one', { since: 20, why: 'it said 502' }));
    scene.pass(2 * minute);
    expect(scene.incident('one')).toMatchObject({ version: 1, since: 10, why: 'it said 502' });
  });

  it('that flaps is one incident, which has to be gone for longer each time', () => {
    const scene = alertScene();
    for (let time = 0; time < 20; time++) {
      scene.break(conditionOf('one'));
      scene.pass(second);
      scene.mend('one');
      scene.pass(second);
    }
    expect(scene.incident('one')).toMatchObject({ state: 'open', version: 1, returns: 19 });
    expect(clearMs({ returns: 19 })).toBe(10 * minute);
    scene.pass(10 * minute + second);
    expect(scene.said()).toEqual(['opened one', 'resolved one']);
  });

  it('that comes back within ten minutes has returned, and is new after that', () => {
    const scene = alertScene();
    const once = (waits: number) => {
      scene.break(conditionOf('one'));
      scene.pass(second);
      scene.mend('one');
      scene.pass(waits);
    };
    once(minute);
    once(30 * minute);
    expect(scene.incident('one')).toMatchObject({ state: 'resolved', returns: 1, version: 4 });
    once(minute);
    expect(scene.incident('one')).toMatchObject({ returns: 0, version: 6 });
    expect(scene.said()).toEqual(Array.from({ length: 3 }, () => ['opened one', 'resolved one']).flat());
  });

  it('that was seen says no more, unless it gets worse or ends', () => {
    const scene = alertScene();
    scene.break(conditionOf('one'));
    scene.pass(second);
    const seen = scene.incident('one');
    if (seen) scene.telling.incidents.set('one', { ...seen, acknowledged: { by: 'pc-a', at: scene.now() } });
    scene.break(conditionOf('one', { where: ['mac'] }));
    scene.pass(5 * minute);
    expect(scene.said()).toEqual(['opened one']);
    scene.break(conditionOf('one', { where: ['mac'], severity: 'critical' }));
    scene.pass(second);
    expect([scene.said().at(-1), scene.incident('one')?.acknowledged]).toEqual(['changed one', null]);
    scene.mend('one');
    scene.pass(5 * second);
    expect(scene.said().at(-1)).toBe('resolved one');
  });

  it('is kept for a week when it is over, and among a hundred others', () => {
    const scene = alertScene();
    const ids = Array.from({ length: resolvedMax + 20 }, (_, index) => `secret-${index}`);
    scene.break(...ids.map(id => conditionOf(id)));
    scene.pass(second);
    scene.mend(...ids);
    scene.pass(10 * second);
    expect(scene.telling.incidents.size).toBe(resolvedMax);
    observe(scene.telling.incidents, [], scene.now() + 8 * day);
    expect(scene.telling.incidents.size).toBe(0);
  });

  it('that is over is not forgotten before everybody has heard of it', () => {
    const scene = alertScene();
    const ids = Array.from({ length: resolvedMax + 20 }, (_, index) => `secret-${index}`);
    scene.takeDown();
    scene.break(...ids.map(id => conditionOf(id)));
    scene.pass(second);
    scene.mend(...ids);
    scene.pass(10 * second);
    scene.bringUp();
    scene.pass(10 * minute);
    expect(new Set(scene.heard.flatMap(({ incidents }) => incidents.map(({ id }) => id)))).toEqual(new Set(ids));
    expect(scene.telling.incidents.size).toBe(resolvedMax);
  });

  it('is over in time, and told, after a clock that was a day ahead', () => {
    const scene = alertScene();
    scene.setClock(day);
    scene.break(conditionOf('one'));
    scene.pass(second);
    scene.mend('one');
    scene.pass(second);
    scene.setClock(-day);
    scene.pass(2 * second);
    expect(scene.said()).toEqual(['opened one', 'resolved one']);
  });

  it('beyond a thousand has to wait for room', () => {
    const scene = alertScene();
    scene.break(...Array.from({ length: openMax + 5 }, (_, index) => conditionOf(`secret-${index}`)));
    scene.pass(second);
    expect(scene.telling.incidents.size).toBe(openMax);
    scene.mend('secret-0', 'secret-1');
    scene.pass(5 * second);
    expect([...scene.telling.incidents.values()].filter(({ state }) => state === 'open')).toHaveLength(openMax);
  });
});
