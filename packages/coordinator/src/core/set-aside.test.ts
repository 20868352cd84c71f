import type { Fingerprint, StoreId } from '@authmesh/shared/core/identifiers';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { describe, expect, it } from 'vitest';
import {
  account,
  acknowledge,
  answers,
  createScene,
  founder,
  guest,
  observed,
  only,
  print,
  publish,
  type Scene,
  sealedOf,
  verdicts,
} from './coordinator-scene.ts';
import { setAsideEntriesMax } from './history.ts';

/** The fleet has the founder's login; the guest is connected. */
function running(): Scene {
  const scene = createScene();
  scene.connect(1, founder);
  scene.connect(2, guest);
  scene.through(publish(1, observed('1')));
  return scene;
}

const empty = observed('', { access: undefined, health: 'empty' });
const implausible = observed('3', { health: 'implausible' });
const failed = observed('4', { health: 'fence-failed' });

function history(scene: Scene): Extract<AnswerBody, { type: 'history' }>['history'] {
  const [body] = answers(scene.ask(1, { type: 'history', account }));
  return body?.type === 'history' ? body.history : [];
}
const setAside = (scene: Scene) => history(scene).filter(({ verdict }) => verdict === 'quarantined');

describe('a login that is set aside', () => {
  it.each<readonly [string, Observation, Fingerprint | null, string]>([
    ['an empty token', empty, null, 'its token is empty'],
    ['an expiry that cannot be', implausible, print('3'), 'its expiry cannot be'],
    ['a failed refresh', failed, print('4'), 'OpenClaw’s refresh failed and left a marker in place of the tokens'],
  ])('is a numbered entry of the history: %s', (_, observation, fingerprint, why) => {
    const scene = running();
    expect(verdicts(scene.through(acknowledge(2, observation)), 2)).toEqual(['unfit']);
    expect(history(scene)).toMatchObject([
      { number: 1, verdict: 'accepted' },
      { number: 2, verdict: 'quarantined', fingerprint, origin: guest, why },
    ]);
  });

  it('is told once, however often and from whichever store it is reported', () => {
    const scene = running();
    const elsewhere = { store: '/home/claw/work/auth-profiles.json' as StoreId };
    for (const again of [implausible, implausible, { ...implausible, ...elsewhere }])
      scene.through(acknowledge(2, again));
    expect(setAside(scene)).toHaveLength(1);
    scene.through(acknowledge(1, implausible));
    scene.through(acknowledge(2, observed('5', { health: 'implausible' })));
    expect(setAside(scene).map(({ origin }) => origin)).toEqual([guest, founder, guest]);
  });

  it('is told too where it was reported before the fleet had the account', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.connect(2, guest);
    expect(only(scene.through(acknowledge(2, empty, failed)), 'compare-and-set')).toEqual([]);
    expect(scene.state().accounts.size).toBe(0);
    scene.through(publish(1, observed('1')));
    expect(setAside(scene).map(({ origin }) => origin)).toEqual([guest]);
  });

  it.each([
    ['a refresh under way', observed('4', { health: 'fence-pending' })],
    ['a store that is not understood', observed('1', { health: 'quarantined' })],
    ['a name that may be somebody else’s', { ...empty, identity: 'profile' } as const],
  ])('is not %s', (_, observation) => {
    const scene = running();
    scene.through(acknowledge(2, observation));
    expect(setAside(scene)).toEqual([]);
  });

  it('waits for its account', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.connect(2, guest);
    scene.tell(publish(1, observed('1')));
    expect(only(scene.tell(acknowledge(2, implausible)), 'compare-and-set')).toEqual([]);
    scene.through({ type: 'persist-succeeded', key: `account/${account}` as never, storeRevision: 200 });
    expect(setAside(scene)).toHaveLength(1);
  });

  it('pushes nothing else out of the history, and cannot be restored', () => {
    const scene = running();
    scene.through(publish(2, observed('2')));
    for (let number = 0; number < 100; number++) {
      const access = number.toString(16).padStart(32, '0') as Fingerprint;
      scene.through(acknowledge(2, observed('', { access, health: 'implausible' })));
    }
    expect(setAside(scene)).toHaveLength(setAsideEntriesMax);
    expect(history(scene).map(({ verdict }) => verdict)).toContain('parallel');
    const { number = 0 } = setAside(scene).at(-1) ?? {};
    const rollback = { account, number, generation: 9, spendable: true, sealed: sealedOf('7') };
    expect(answers(scene.ask(1, { type: 'candidate', account, number }))).toMatchObject([
      { code: 'ERR_NO_SUCH_ENTRY' },
    ]);
    expect(answers(scene.ask(1, { type: 'rollback', ...rollback }))).toMatchObject([{ code: 'ERR_NOT_RESTORED' }]);
  });
});
