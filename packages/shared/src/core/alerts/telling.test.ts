import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hour, minute, second } from '../time.ts';
import { alertScene, conditionOf } from './alert-scene.ts';
import { configureChannels, dueFor, tell } from './telling.ts';

const fifty = Array.from({ length: 50 }, (_, index) => `secret-${index}`);

describe('a channel', () => {
  it('hears of a few one by one, worst first, and of fifty at once in one digest', () => {
    const few = alertScene();
    few.break(conditionOf('one'), conditionOf('two', { severity: 'critical' }));
    few.pass(second);
    expect(few.said()).toEqual(['opened two', 'opened one']);
    const many = alertScene();
    many.break(...fifty.map(id => conditionOf(id)));
    many.pass(hour);
    expect(many.said()).toEqual([`digest ${fifty.join(' ')}`]);
  });

  it('hears of fifty that come one after the other within a minute in five messages and one digest', () => {
    const scene = alertScene();
    for (const id of fifty) {
      scene.break(conditionOf(id));
      scene.pass(second);
    }
    scene.pass(10 * minute);
    expect(scene.heard.map(({ event, incidents }) => [event, incidents.length])).toEqual([
      ...Array.from({ length: 5 }, () => ['opened', 1]),
      ['digest', 45],
    ]);
  });

  it('gets no more messages in an hour than it may, whatever happens', () => {
    const scene = alertScene(12);
    for (let time = 0; time < 360; time++) {
      scene.break(conditionOf(`secret-${time}`));
      scene.pass(10 * second);
    }
    expect(scene.heard.length).toBeLessThanOrEqual(12 + 5);
    expect(new Set(scene.heard.flatMap(({ incidents }) => incidents.map(({ id }) => id))).size).toBeGreaterThan(300);
  });

  it('that was down for ten minutes hears what stands then: nothing is lost, nothing is doubled', () => {
    const scene = alertScene();
    scene.break(conditionOf('before'));
    scene.pass(second);
    scene.takeDown();
    scene.mend('before');
    scene.break(conditionOf('lasting'), conditionOf('passing'));
    scene.pass(minute);
    scene.mend('passing');
    scene.pass(9 * minute);
    const channel = scene.telling.channels.get('pager');
    expect([scene.said(), channel?.trouble?.why]).toEqual([['opened before'], 'it is down']);
    scene.bringUp();
    scene.pass(6 * minute);
    expect(scene.said()).toEqual(['opened before', 'resolved before', 'opened lasting', 'resolved passing']);
    expect(channel).toMatchObject({ failures: 0, trouble: undefined });
  });

  it('asks a receiver that is down less and less often, and never sooner than that asks for', () => {
    const scene = alertScene();
    const channel = () => scene.telling.channels.get('pager');
    scene.takeDown();
    scene.break(conditionOf('one'));
    scene.pass(second);
    expect(channel()?.failures).toBe(1);
    scene.pass(hour);
    expect(channel()?.failures).toBeGreaterThan(10);
    expect(channel()?.failures).toBeLessThan(40);
  });

  it('is not told what is muted until that is over', () => {
    const scene = alertScene();
    scene.telling.mutes = [{ pattern: 'no*', until: scene.now() + hour, by: 'pc-a' }];
    scene.break(conditionOf('node'), conditionOf('nobody'), conditionOf('other'));
    scene.pass(minute);
    expect(scene.said()).toEqual(['opened other']);
    scene.mend('nobody');
    scene.pass(hour);
    expect(scene.said()).toEqual(['opened other', 'opened node', 'resolved nobody']);
  });

  it('for what is critical hears of nothing less', () => {
    const scene = alertScene();
    const channels = [{ name: 'pager', criticalOnly: true }];
    configureChannels(scene.telling, { channels, messagesPerHour: 30 }, scene.now(), scene.now());
    scene.break(conditionOf('one'), conditionOf('two', { severity: 'critical' }));
    scene.pass(second);
    scene.mend('one', 'two');
    scene.pass(5 * second);
    expect(scene.said()).toEqual(['opened two', 'resolved two']);
    // What it heard of then is of no weight now.
    scene.break(conditionOf('two'));
    scene.pass(minute);
    expect(scene.said()).toEqual(['opened two', 'resolved two']);
  });

  it('that is new hears of what is open, and not of what was over before', () => {
    const scene = alertScene();
    scene.break(conditionOf('one'), conditionOf('two'));
    scene.pass(second);
    scene.mend('one');
    scene.pass(5 * second);
    const channels = [{ name: 'new', criticalOnly: false }];
    configureChannels(scene.telling, { channels, messagesPerHour: 30 }, scene.now(), scene.now());
    const { messages } = tell(scene.telling, scene.now(), scene.now());
    expect(messages.map(({ channel, message }) => [channel, message.incidents.map(({ id }) => id)])).toEqual([
      ['new', ['two']],
    ]);
  });

  it('has heard everything in the end, each version once and in order', () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 4 }),
      holds: fc.boolean(),
      down: fc.boolean(),
      wait: fc.nat(90),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const scene = alertScene();
        for (const { id, holds, down, wait } of steps) {
          if (holds) scene.break(conditionOf(`secret-${id}`));
          else scene.mend(`secret-${id}`);
          if (down) scene.takeDown();
          else scene.bringUp();
          scene.pass(wait * second);
        }
        scene.bringUp();
        scene.pass(hour);
        const versions = new Map<string, number>();
        for (const { id, version } of scene.heard.flatMap(({ incidents }) => incidents)) {
          expect(version).toBeGreaterThan(versions.get(id) ?? 0);
          versions.set(id, version);
        }
        for (const incident of scene.telling.incidents.values())
          expect(versions.get(incident.id)).toBe(incident.version);
        expect(dueFor(scene.telling, { terms: { name: 'pager', criticalOnly: false } }, scene.now())).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
