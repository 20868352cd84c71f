import type { StoreId } from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import {
  account,
  createScene,
  facts,
  holds,
  judgement,
  only,
  print,
  refreshesXai,
  type Scene,
  seen,
  self,
} from './agent-scene.ts';
import type { AgentEffect } from './effect.ts';
import { isSpent } from './spent.ts';

const writes = (effects: readonly AgentEffect[]) =>
  only(effects, 'write-credential').map(({ expected, access, refresh, form, takesRefreshOnly }) => ({
    expected,
    writes: [access, form === 'full' ? refresh : undefined, takesRefreshOnly],
  }));
const expected = { access: print('1'), refresh: print('a') };

/** A host whose store holds the pair that is the fleet's. */
function hostWith(custody: 'copy' | 'home' | 'vault', refresh = 'a'): Scene {
  const scene = createScene({ custody, refreshes: refreshesXai });
  scene.connect();
  scene.hear({ type: 'synced' });
  scene.announce(facts('1', 1, { refresh: print('a') }));
  scene.tell(holds(seen('1', { refresh: print(refresh) })));
  scene.hear(judgement('in-step', '1'));
  return scene;
}

describe('a refresh token that was renewed, its access token being the same', () => {
  it('gives way to the next one where each store holds it', () => {
    const scene = hostWith('copy');
    const effects = scene.announce(facts('1', 2, { refresh: print('b') }));
    expect(writes(effects)).toEqual([{ expected, writes: [print('1'), print('b'), undefined] }]);
  });

  it('gives way to the next one at its home', () => {
    const effects = hostWith('home').announce(facts('1', 2, { refresh: print('b'), home: self }));
    expect(writes(effects)).toEqual([{ expected, writes: [print('1'), print('b'), undefined] }]);
  });

  it.each(['home', 'vault'] as const)('leaves a store that is to hold none: %s', custody => {
    const effects = hostWith(custody).announce(facts('1', 2, { refresh: print('b') }));
    expect(writes(effects)).toEqual([{ expected, writes: [print('1'), undefined, true] }]);
  });

  it('is known for spent after several renewals, and where an old file brings it back', () => {
    const scene = hostWith('copy', 'b');
    scene.announce(facts('1', 2, { refresh: print('b') }));
    scene.announce(facts('1', 3, { refresh: print('c') }));
    scene.tell({
      type: 'write-settled',
      store: '/home/claw/auth-profiles.json' as StoreId,
      profile: seen('1').profile,
      outcome: { result: 'changed' },
    });
    scene.pass(5_000);
    scene.tell(holds(seen('1', { refresh: print('a') })));
    expect(writes(scene.hear(judgement('in-step', '1')))).toEqual([
      { expected, writes: [print('1'), print('c'), undefined] },
    ]);
  });

  it('is no other that a store has: it may be what the fleet’s was renewed into there', () => {
    const scene = hostWith('copy', 'd');
    expect(writes(scene.announce(facts('1', 2, { refresh: print('b') })))).toEqual([]);
  });

  it('is none that an operator took the fleet back from, nor one that it came back to', () => {
    const scene = hostWith('copy', 'b');
    scene.announce(facts('1', 2, { refresh: print('b') }));
    expect(writes(scene.announce(facts('1', 3, { refresh: print('a'), restored: true })))).toEqual([]);
    expect(writes(scene.announce(facts('1', 4, { refresh: print('c') })))).toEqual([]);
  });

  it('is of no interest when the access token is another', () => {
    const scene = hostWith('copy');
    scene.announce(facts('1', 2, { refresh: print('b') }));
    expect(isSpent(scene.state(), account, print('a'))).toBe(true);
    scene.announce(facts('2', 3, { refresh: print('c') }));
    expect(isSpent(scene.state(), account, print('a'))).toBe(false);
  });
});
