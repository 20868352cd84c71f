import { copyKey } from '@authmesh/shared/core/identifiers';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  account,
  createDelivery,
  createScene,
  facts,
  holds,
  judgement,
  notes,
  only,
  print,
  profile,
  seen,
  sent,
  store,
} from './agent-scene.ts';

const key = copyKey(store, profile);

describe('an announcement', () => {
  it('is kept before anything is done with it', () => {
    const scene = createDelivery('1', facts('1', 1));
    const effects = scene.announce(facts('2', 2));
    expect(only(effects, 'remember')).toEqual([
      { type: 'remember', memory: { kind: 'account', account: facts('2', 2) } },
    ]);
    const kinds = effects.map(effect => effect.type);
    expect(kinds.indexOf('remember')).toBeLessThan(kinds.indexOf('write-credential'));
    expect(scene.state().accounts.get(account)?.access).toBe(print('2'));
  });

  const later: AnnouncementFacts = facts('2', 5, { position: { epoch: 2, revision: 5 } });
  const refused: readonly (readonly [
    what: string,
    facts: AnnouncementFacts,
    problem: string | undefined,
    note: string,
  ])[] = [
    ['the one that is known', later, undefined, 'announcement-old'],
    ['an older revision', { ...later, position: { epoch: 2, revision: 4 } }, undefined, 'announcement-old'],
    [
      'a later revision of an older epoch',
      { ...later, position: { epoch: 1, revision: 9 } },
      undefined,
      'announcement-old',
    ],
    [
      'a later position with an older generation',
      { ...later, position: { epoch: 2, revision: 6 }, generation: 4 },
      undefined,
      'announcement-refused',
    ],
    [
      'a record that could not be opened',
      { ...later, position: { epoch: 2, revision: 6 }, generation: 6 },
      'its record opens with none of this node’s keys',
      'announcement-refused',
    ],
  ];
  it.each(refused)('%s is not applied', (_, announced, problem, name) => {
    const scene = createDelivery('1', later);
    const effects = scene.announce({ ...announced, access: print('3') }, problem);
    expect(effects.map(effect => effect.type)).toEqual(['note']);
    expect(notes(effects)).toEqual([name]);
    expect(scene.state().accounts.get(account)).toEqual(later);
  });

  it('positions and generations of an account only rise, whatever comes in whatever order (invariant I3)', () => {
    const announced = fc.record({ epoch: fc.nat(3), revision: fc.nat(9), generation: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(announced, { maxLength: 30 }), list => {
        const scene = createScene();
        let highest = { epoch: -1, revision: -1, generation: 0 };
        for (const { epoch, revision, generation } of list) {
          scene.announce(facts('1', 1, { position: { epoch, revision }, generation }));
          const known = scene.state().accounts.get(account);
          const now = { ...(known?.position ?? highest), generation: known?.generation ?? 0 };
          const isLater =
            now.epoch > highest.epoch || (now.epoch === highest.epoch && now.revision >= highest.revision);
          expect(isLater && now.generation >= highest.generation).toBe(true);
          highest = now;
        }
      }),
    );
  });

  it('makes a copy in step stale, and one that holds it current', () => {
    const scene = createDelivery('1', facts('1', 1));
    expect(scene.state().copies.get(key)?.judged?.verdict).toBe('in-step');
    const effects = scene.announce(facts('2', 2));
    expect(scene.state().copies.get(key)?.judged?.verdict).toBe('stale');
    expect(only(effects, 'write-credential')).toMatchObject([{ access: print('2'), expected: { access: print('1') } }]);
  });

  it('waits for the coordinator’s word on a copy that was not judged: it may be newer', () => {
    const scene = createScene();
    scene.tell(holds(seen('3')));
    scene.connect();
    expect(only(scene.announce(facts('2', 2)), 'write-credential')).toEqual([]);
    expect(only(scene.hear(judgement('stale', '3')), 'write-credential')).toHaveLength(1);
  });

  it.each(['parallel', 'unlinked'] as const)('has a %s login beside the fleet’s looked at again', verdict => {
    const scene = createDelivery('3', facts('1', 1));
    scene.hear(judgement(verdict, '3'));
    const effects = scene.announce(facts('2', 2));
    expect(sent(effects)).toMatchObject([{ type: 'publish', observation: { access: print('3') } }]);
    expect(only(effects, 'write-credential')).toEqual([]);
    expect(scene.state().copies.get(key)?.judged).toBeUndefined();
  });

  it('of another account changes nothing here', () => {
    const scene = createDelivery('1', facts('1', 1));
    const effects = scene.announce(facts('2', 1, { account: 'oauth:xai/acct_2' as AnnouncementFacts['account'] }));
    expect(effects.map(effect => effect.type)).toEqual(['remember']);
  });

  it('is known after a restart, with its epoch', () => {
    const scene = createScene({}, [
      { kind: 'account', account: facts('2', 4, { position: { epoch: 7, revision: 4 } }) },
    ]);
    expect(scene.state().epoch).toBe(7);
    expect(sent(scene.connect())).toMatchObject([
      { known: [{ account, position: { epoch: 7, revision: 4 }, generation: 4 }] },
    ]);
    expect(notes(scene.announce(facts('1', 3)))).toEqual(['announcement-old']);
  });
});
