import { describe, expect, it } from 'vitest';
import { acknowledge, createScene, founder, guest, observed, only, print, publish } from './coordinator-scene.ts';
import { isHeldAtHome } from './holding.ts';

const pair = observed('a', { refresh: print('b') });
const { account } = pair;

function heldIn(effects: ReturnType<ReturnType<typeof createScene>['tell']>, link: number) {
  return only(effects, 'send')
    .filter(effect => effect.link === link && effect.message.type === 'judgements')
    .flatMap(effect => (effect.message.type === 'judgements' ? effect.message.judgements : []))
    .map(judgement => judgement.held);
}

/** The founder publishes a login and is its home; the guest has the same pair. */
function shared() {
  const scene = createScene();
  scene.connect(1, founder);
  scene.connect(2, guest);
  scene.through(publish(1, pair));
  return scene;
}

describe('the refresh token of a home', () => {
  it('may go elsewhere while the home is connected and holds it', () => {
    const scene = shared();
    expect(isHeldAtHome(scene.state(), account)).toBe(true);
    expect(heldIn(scene.through(acknowledge(2, pair)), 2)).toContain(true);
  });

  it('stays where it is while the home is away, and goes once the home is back with it', () => {
    const scene = shared();
    scene.tell({ type: 'link-closed', link: 1 });
    expect(isHeldAtHome(scene.state(), account)).toBe(false);
    expect(heldIn(scene.through(acknowledge(2, pair)), 2)).not.toContain(true);
    scene.connect(3, founder);
    expect(heldIn(scene.through(acknowledge(3, pair)), 2)).toContain(true);
  });
});
