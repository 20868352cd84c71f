import type { AccountId, ProfileId } from '@authmesh/shared/core/identifiers';
import { knownPerMessageMax, observationsPerMessageMax } from '@authmesh/shared/protocol/limits';
import { describe, expect, it } from 'vitest';
import {
  createDelivery,
  createScene,
  defaults,
  facts,
  holds,
  judgement,
  notes,
  print,
  profile,
  seen,
  sent,
  store,
} from './agent-scene.ts';

function many(count: number) {
  return Array.from({ length: count }, (_, number) => seen('1', { profile: `xai:${number}` as ProfileId }));
}

describe('an inventory', () => {
  it.each([
    [0, [0]],
    [1, [1]],
    [observationsPerMessageMax, [observationsPerMessageMax]],
    [observationsPerMessageMax + 1, [observationsPerMessageMax, 1]],
  ])('of %i copies goes in parts that frames can carry, all known accounts in the first', (count, sizes) => {
    const scene = createScene({}, [{ kind: 'account', account: facts('1', 1) }]);
    scene.tell(holds(...many(count)));
    const parts = sent(scene.connect()).filter(message => message.type === 'inventory');
    expect(parts.map(part => part.observations.length)).toEqual(sizes);
    expect(parts.map(part => part.known.length)).toEqual(sizes.map((_, index) => (index === 0 ? 1 : 0)));
    expect(parts.map(part => part.last)).toEqual(sizes.map((_, index) => index === sizes.length - 1));
  });

  it('says all that is known before anything that stands on disk', () => {
    const memory = Array.from({ length: 2 * knownPerMessageMax + 1 }, (_, number) => ({
      kind: 'account' as const,
      account: facts('1', 1, { account: `oauth:xai/${number}` as AccountId }),
    }));
    const scene = createScene({}, memory);
    scene.tell(holds(seen('1')));
    const parts = sent(scene.connect()).filter(message => message.type === 'inventory');
    expect(parts.map(part => [part.known.length, part.observations.length, part.last])).toEqual([
      [knownPerMessageMax, 0, false],
      [knownPerMessageMax, 0, false],
      [1, 1, true],
    ]);
  });

  it('carries no record: the coordinator asks for what it lacks', () => {
    const scene = createScene();
    scene.tell(holds(seen('1')));
    expect(sent(scene.connect()).map(message => message.type)).toEqual(['inventory']);
    expect(sent(scene.hear(judgement('wanted', '1')))).toMatchObject([{ type: 'publish', generation: 1 }]);
    expect(sent(scene.hear(judgement('wanted', '2')))).toEqual([]);
  });

  it('says where the fleet announced what stands there, and that an operator had gone back to it', () => {
    const known = facts('1', 3, { restored: true });
    const scene = createScene({}, [{ kind: 'account', account: known }]);
    scene.tell(holds(seen('1')));
    const announced = { position: known.position, home: known.home, origin: known.origin, restored: true };
    expect(sent(scene.connect())).toMatchObject([{ observations: [{ announced }] }]);
  });

  it('goes again when the configuration changes what takes part, and what takes part no more leaves', () => {
    const scene = createDelivery('1', facts('1', 1));
    const profiles = { allow: ['*'], deny: ['xai*'] };
    expect(sent(scene.tell({ type: 'configured', config: { ...defaults, profiles } }))).toEqual([
      { type: 'acknowledge', observations: [], gone: [{ store, profile }] },
      expect.objectContaining({ type: 'inventory', observations: [] }),
    ]);
    expect(sent(scene.tell(holds(seen('2'))))).toEqual([]);
    expect(sent(scene.tell({ type: 'configured', config: defaults }))).toMatchObject([
      { type: 'inventory', observations: [{ access: print('2') }] },
    ]);
  });

  it('leaves out API keys unless they are asked for', () => {
    const key = seen('1', { account: 'api_key:xai/xai:default' as AccountId, kind: 'api_key' });
    const without = createScene();
    without.tell(holds(key));
    expect(sent(without.connect())).toMatchObject([{ observations: [] }]);
    const having = createScene({ apiKeys: true });
    having.tell(holds(key));
    expect(sent(having.connect())).toMatchObject([{ observations: [{ kind: 'api_key' }] }]);
  });
});

describe('a report', () => {
  it('of a login that nobody knows comes with its record, in the next generation', () => {
    const scene = createDelivery('1', facts('1', 4));
    const effects = scene.tell(holds(seen('2')));
    expect(notes(effects)).toContain('credential-published');
    expect(sent(effects)).toMatchObject([
      { type: 'publish', generation: 5, observation: { access: print('2'), chain: [{ access: print('1') }] } },
    ]);
  });

  it('of the fleet’s own login, or of one that stood there before, is metadata alone', () => {
    const scene = createDelivery('1', facts('2', 4));
    expect(sent(scene.tell(holds(seen('2'))))).toMatchObject([{ type: 'acknowledge', observations: [{}], gone: [] }]);
    expect(sent(scene.tell(holds(seen('1'))))).toMatchObject([{ type: 'acknowledge', observations: [{}], gone: [] }]);
  });

  it('that is asked for comes in the generation that nodes take', () => {
    const scene = createDelivery('1', facts('1', 4));
    expect(sent(scene.hear(judgement('wanted', '1')))).toMatchObject([{ generation: 4 }]);
    expect(sent(scene.hear(judgement('wanted', '1', { generation: 9 })))).toMatchObject([{ generation: 9 }]);
    scene.tell(holds(seen('2')));
    expect(sent(scene.hear(judgement('wanted', '2', { generation: 2 })))).toMatchObject([{ generation: 5 }]);
  });

  it('waits for the link', () => {
    const scene = createScene();
    expect(sent(scene.tell(holds(seen('1'))))).toEqual([]);
    expect(sent(scene.tell(holds()))).toEqual([]);
    scene.tell(holds(seen('1')));
    expect(sent(scene.connect())).toMatchObject([{ observations: [{ access: print('1') }] }]);
  });
});
