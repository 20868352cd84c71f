import { copyKey } from '@authmesh/shared/core/identifiers';
import { hour, minute, second } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  createScene,
  facts,
  holds,
  judgement,
  only,
  print,
  profile,
  type Scene,
  seen,
  self,
  sent,
  start,
  store,
} from './agent-scene.ts';
import type { Memory } from './effect.ts';
import { fenceMsMax } from './fence.ts';

const current = facts('1', 1, { refresh: print('a'), expiresAt: start + hour, home: self, origin: self });
const failed = seen('0', { access: undefined, health: 'fence-failed', trouble: 'the refresh failed' });
const pending = seen('0', { access: undefined, health: 'fence-pending', trouble: 'it is being refreshed' });
const whole = seen('1', { refresh: print('a'), expiresAt: start + hour });

/** The home, which has the fleet's login and its refresh token. */
function createHome(memory: readonly Memory[] = []): Scene {
  const scene = createScene({}, memory);
  scene.tell(holds(whole));
  scene.connect();
  scene.hear({ type: 'synced' });
  scene.announce(current);
  scene.hear(judgement('in-step', '1'));
  return scene;
}

const forms = (effects: ReturnType<Scene['tell']>) => only(effects, 'write-credential').map(({ form }) => form);
const look = (scene: Scene) => scene.tell({ type: 'timer-fired', timer: 'revisit' });

/** What is written once the coordinator has judged the copy and lets its sessions come back. */
const healed = (scene: Scene) => [...forms(scene.hear(judgement('unfit'))), ...forms(scene.grant())];

/** What is written when the coordinator has judged the fence, and once that stands there. */
function heal(scene: Scene) {
  const written = healed(scene);
  const bearer = seen('1', { expiresAt: start + hour });
  scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'written', seen: bearer } });
  return [...written, ...forms(scene.hear(judgement('in-step', '1')))];
}

describe('a failed fence', () => {
  it('gets the access token back and never the refresh token that may be spent (invariant I10)', () => {
    const scene = createHome();
    scene.tell(holds(failed));
    expect(heal(scene)).toEqual(['bearer']);
  });

  it('is remembered across a restart', () => {
    const scene = createHome();
    const kept = only(scene.tell(holds(failed)), 'remember').map(({ memory }) => memory);
    expect(kept).toMatchObject([{ copy: { doubted: [print('a')] } }]);
    heal(scene);
    const again = createScene({}, [...kept, { kind: 'account', account: current }]);
    again.tell(holds(seen('1', { expiresAt: start + hour })));
    again.connect();
    expect(forms(again.hear(judgement('in-step', '1')))).toEqual([]);
  });

  it('is remembered when its owner deletes the login and adopts it again', () => {
    const scene = createHome();
    scene.tell(holds(failed));
    scene.tell(holds());
    const adopted = scene.tell({ type: 'asked', request: 1, control: { op: 'adopt', profiles: [], store } });
    expect(only(adopted, 'create-profile')).toMatchObject([{ form: 'bearer' }]);
  });

  it('gets a refresh token that is announced after it', () => {
    const scene = createHome();
    scene.tell(holds(failed));
    heal(scene);
    const renewed = facts('2', 2, { refresh: print('b'), expiresAt: start + hour, home: self });
    expect(forms(scene.announce(renewed))).toEqual(['full']);
  });

  it('that says it was about an earlier refresh token leaves the fleet’s in no doubt', () => {
    const scene = createHome();
    scene.tell(holds({ ...failed, spends: print('z') }));
    expect(healed(scene)).toEqual(['full']);
    expect(scene.state().copies.get(copyKey(store, profile))?.doubted).toEqual([print('z')]);
    const about = createHome();
    about.tell(holds({ ...failed, spends: print('a') }));
    expect(heal(about)).toEqual(['bearer']);
  });

  it('about what the fleet’s login was renewed into leaves both in doubt', () => {
    const scene = createHome();
    scene.tell(holds(seen('2', { refresh: print('b'), expiresAt: start + hour })));
    scene.tell(holds({ ...failed, spends: print('b') }));
    expect(forms(scene.hear(judgement('unfit')))).not.toContain('full');
    expect(scene.state().copies.get(copyKey(store, profile))?.doubted).toEqual([print('b'), print('a')]);
  });

  it('leaves alone what the owner puts there afterwards', () => {
    const scene = createHome();
    scene.tell(holds(failed));
    heal(scene);
    scene.tell(holds(whole));
    expect(forms(scene.hear(judgement('in-step', '1')))).toEqual([]);
    expect(scene.state().copies.get(copyKey(store, profile))?.doubted).toBeUndefined();
  });
});

/** Lets time pass and answers as a coordinator does; what was written, and when. */
function wait(scene: Scene, ms: number) {
  const written: (readonly [ms: number, form: string])[] = [];
  for (let passed = 0; passed < ms; passed += second) {
    scene.pass(second);
    for (const effects of [scene.tell(holds(pending)), look(scene)]) {
      for (const message of sent(effects)) {
        if (message.type !== 'acknowledge') continue;
        const verdict = message.observations[0]?.health === 'fence-failed' ? 'unfit' : 'waits';
        scene.hear(judgement(verdict));
        for (const form of forms(scene.grant())) written.push([passed + second, form]);
      }
    }
  }
  return written;
}

describe('a pending fence', () => {
  it('is waited for while it is young, then treated as failed', () => {
    const scene = createHome();
    scene.tell(holds(pending));
    scene.hear(judgement('waits'));
    expect(wait(scene, 5 * minute)).toEqual([[fenceMsMax, 'bearer']]);
  });

  it('tells the fleet what is being refreshed here', () => {
    const told = (spends: string | undefined) =>
      sent(createHome().tell(holds({ ...pending, spends: spends === undefined ? undefined : print(spends) })))
        .flatMap(message => (message.type === 'acknowledge' ? message.observations : []))
        .map(({ health, trouble }) => [health, trouble]);
    expect(told('a')).toEqual([['fence-pending', 'OpenClaw is refreshing the fleet’s login']]);
    expect(told('z')).toEqual([['fence-pending', 'OpenClaw is refreshing another login than the fleet’s']]);
    expect(told(undefined)).toEqual([['fence-pending', pending.trouble]]);
  });

  it('stays failed for as long as it stands there', () => {
    const scene = createHome();
    scene.tell(holds(pending));
    scene.hear(judgement('waits'));
    scene.pass(fenceMsMax);
    look(scene);
    expect(sent(scene.tell(holds(pending)))).toEqual([]);
    expect(scene.state().copies.get(copyKey(store, profile))?.seen).toMatchObject({ health: 'fence-failed' });
    scene.tell(holds(seen('2', { refresh: print('b') })));
    expect(sent(scene.tell(holds(pending)))).toMatchObject([{ observations: [{ health: 'fence-pending' }] }]);
  });

  it('does not grow old in the host’s sleep', () => {
    const scene = createHome();
    scene.tell(holds(pending));
    scene.hear(judgement('waits'));
    scene.pass(hour);
    scene.tell({ type: 'clock-jumped', byMs: hour });
    look(scene);
    expect(scene.state().copies.get(copyKey(store, profile))?.seen).toMatchObject({ health: 'fence-pending' });
  });
});
