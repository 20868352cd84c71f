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
  type Scene,
  verdicts,
} from './coordinator-scene.ts';
import type { CoordinatorEvent } from './event.ts';
import { fleetKey } from './record.ts';

function knows(link: number, epoch: number, revision: number): CoordinatorEvent {
  const known = [{ account, position: { epoch, revision }, generation: 1 }];
  return {
    type: 'frame-received',
    link,
    message: { type: 'inventory', observations: [observed('2')], known, last: true },
  };
}

/** A fleet of two whose account has one durable revision, in epoch 1. */
function running(): Scene {
  const scene = createScene();
  scene.connect(1, founder);
  scene.connect(2, guest);
  scene.through(publish(1, observed('1')));
  return scene;
}

describe('an epoch', () => {
  it('rises above what a node has seen when it connects, or when it knows more than the store', () => {
    const greeted = createScene();
    const effects = greeted.connect(1, founder, { epoch: 4 });
    expect(notes(effects)).toContain('epoch-raised');
    expect(only(effects, 'compare-and-set')).toMatchObject([{ key: fleetKey, expected: 1, value: { epoch: 5 } }]);
    const told = running();
    expect(only(told.tell(knows(2, 1, 2)), 'compare-and-set')).toMatchObject([{ key: fleetKey, value: { epoch: 2 } }]);
    expect(notes(running().tell(knows(2, 1, 1)))).not.toContain('epoch-raised');
  });

  it('holds every judgement back until it is durable', () => {
    const scene = running();
    expect(verdicts(scene.tell(knows(2, 1, 2)))).toEqual([]);
    expect(verdicts(scene.tell(acknowledge(1, observed('1'))))).toEqual([]);
    // An account that nobody has reported before waits as well.
    const other = observed('3', { account: 'oauth:xai/acct_2' as typeof account, store: '/b' as never });
    expect(scene.tell(publish(1, other))).toEqual([]);
    const durable = scene.persist(fleetKey);
    expect(verdicts(durable, 1)).toEqual(['in-step']);
    expect(verdicts(durable, 2)).toEqual(['wanted']);
    expect(only(durable, 'compare-and-set')).toMatchObject([
      { value: { current: { position: { epoch: 2, revision: 1 } } } },
    ]);
  });

  it('is not raised twice for what is on its way', () => {
    const scene = running();
    scene.tell(knows(2, 1, 2));
    expect(notes(scene.tell(knows(1, 1, 3)))).not.toContain('epoch-raised');
    expect(only(scene.persist(fleetKey), 'compare-and-set')).toEqual([]);
  });

  it('rises once more when a second node knows even more than the first', () => {
    const scene = running();
    scene.tell(knows(2, 1, 2));
    scene.tell(knows(1, 7, 1));
    const effects = scene.persist(fleetKey);
    expect(only(effects, 'compare-and-set')).toMatchObject([{ key: fleetKey, value: { epoch: 8 } }]);
    expect(verdicts(effects)).toEqual([]);
    expect(verdicts(scene.persist(fleetKey)).length).toBeGreaterThan(0);
    expect(scene.state().fleet.record.epoch).toBe(8);
  });

  it('rises above another coordinator’s, and nothing is stuck behind it', () => {
    const scene = running();
    scene.tell(knows(2, 1, 2));
    const effects = scene.tell({ type: 'persist-conflicted', key: fleetKey, value: undefined, storeRevision: 50 });
    expect(only(effects, 'compare-and-set')).toMatchObject([{ key: fleetKey, expected: 50, value: { epoch: 3 } }]);
    expect(verdicts(scene.persist(fleetKey)).length).toBeGreaterThan(0);
  });
});
