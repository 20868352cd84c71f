import { copyKey } from '@authmesh/shared/core/identifiers';
import { day, minute, second } from '@authmesh/shared/core/time';
import type { Judgement } from '@authmesh/shared/protocol/down';
import { describe, expect, it } from 'vitest';
import {
  account,
  createDelivery,
  createScene,
  facts,
  holds,
  judgement,
  later,
  notes,
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
import type { CredentialForm } from './effect.ts';
import type { SeenProfile, WriteOutcome } from './event.ts';

const current = facts('2', 1, { refresh: print('b'), expiresAt: start + later });

/** What is written to a copy that holds `access` once the coordinator has said `verdict`. */
function formWritten(
  verdict: Judgement['verdict'],
  access: string,
  more: Partial<SeenProfile>,
  fleet: Partial<typeof current>,
  held = true,
): CredentialForm | undefined {
  const scene = createDelivery(access, { ...current, ...fleet }, more);
  scene.hear(judgement(verdict, 'access' in more ? undefined : access, { held }));
  scene.grant();
  return scene.state().copies.get(copyKey(store, profile))?.writing?.form;
}

const home = { home: self };
const empty = { access: undefined, health: 'empty' } as const;
const dead = { expiresAt: start - 1 };
const spendable = { refresh: print('b') };

describe('a delivery', () => {
  const rows: readonly (readonly [
    what: string,
    verdict: Judgement['verdict'],
    access: string,
    more: Partial<SeenProfile>,
    fleet: Partial<typeof current>,
    form: CredentialForm | undefined,
  ])[] = [
    ['an old login', 'stale', '1', {}, {}, 'bearer'],
    ['the fleet’s, which its store takes for ended', 'in-step', '2', dead, {}, 'bearer'],
    ['the fleet’s, which ends in a moment', 'in-step', '2', dead, { expiresAt: start + 30_000 }, undefined],
    ['the fleet’s, which has ended', 'in-step', '2', dead, dead, undefined],
    ['the home’s, whose own word counts', 'in-step', '2', dead, home, 'full'],
    [
      'the fleet’s with its refresh token, which can be renewed',
      'in-step',
      '2',
      { ...dead, ...spendable },
      {},
      'bearer',
    ],
    ['an old login of the home', 'stale', '1', {}, home, 'full'],
    ['an old login, the fleet’s has ended too', 'stale', '1', {}, dead, 'bearer'],
    ['an old login by an old word: it is the current one by now', 'stale', '2', {}, {}, undefined],
    ['empty tokens', 'unfit', '', empty, {}, 'bearer'],
    ['empty tokens of the home', 'unfit', '', empty, home, 'full'],
    ['empty tokens, the fleet’s has ended', 'unfit', '', empty, dead, undefined],
    ['a failed fence', 'unfit', '', { ...empty, health: 'fence-failed' }, {}, 'bearer'],
    ['an implausible expiry', 'unfit', '1', { health: 'implausible' }, {}, 'bearer'],
    ['a pending fence is waited for', 'waits', '', { ...empty, health: 'fence-pending' }, home, undefined],
    ['the current one', 'in-step', '2', {}, {}, undefined],
    ['a refresh token too many', 'in-step', '2', spendable, {}, 'bearer'],
    ['a refresh token too few', 'in-step', '2', {}, home, 'full'],
    ['the right form of the home', 'in-step', '2', spendable, home, undefined],
    ['nothing to complete it with', 'in-step', '2', {}, { ...home, refresh: undefined }, undefined],
    ['a parallel login', 'parallel', '1', {}, home, undefined],
    ['a login that nobody linked', 'unlinked', '1', {}, home, undefined],
    ['a login that is asked for', 'wanted', '1', {}, home, undefined],
    ['a login that the fleet leaves out', 'ignored', '1', {}, home, undefined],
  ];
  it.each(rows)('%s (%s)', (_, verdict, access, more, fleet, form) => {
    expect(formWritten(verdict, access, more, fleet)).toBe(form);
  });

  it('never takes away the last refresh token: not before the home is known to hold it (I9)', () => {
    expect(formWritten('in-step', '2', spendable, {}, false)).toBeUndefined();
    expect(formWritten('in-step', '2', spendable, {}, true)).toBe('bearer');
  });

  it('does not take it away on a word from before the link was lost: the home may be gone with it', () => {
    const scene = createDelivery('2', current, spendable);
    scene.tell({ type: 'store-observed', store, seen: { state: 'quarantined', reason: 'the disk is full' } });
    scene.hear(judgement('in-step', '2', { held: true }));
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    scene.pass(day);
    expect(only(scene.tell(holds(seen('2', spendable))), 'write-credential')).toEqual([]);
  });

  it('names what must still stand there, and what takes its place', () => {
    const scene = createDelivery('1', current, { refresh: print('a') });
    expect(only(scene.hear(judgement('stale', '1')), 'write-credential')).toEqual([
      {
        type: 'write-credential',
        store,
        profile,
        account,
        expected: { access: print('1'), refresh: print('a') },
        access: print('2'),
        refresh: print('b'),
        expiresAt: current.expiresAt,
        form: 'bearer',
      },
    ]);
  });

  it('is not started on a word about another login, nor twice, nor where the login takes no part', () => {
    const scene = createDelivery('1', current);
    expect(only(scene.hear(judgement('stale', '3')), 'write-credential')).toEqual([]);
    expect(only(scene.hear(judgement('stale', '1')), 'write-credential')).toHaveLength(1);
    expect(only(scene.hear(judgement('stale', '1')), 'write-credential')).toEqual([]);
    const denied = createScene({ profiles: { allow: ['*'], deny: ['xai*'] } });
    denied.tell(holds(seen('1')));
    expect(sent(denied.connect())).toMatchObject([{ type: 'inventory', observations: [] }]);
    denied.announce(current);
    expect(only(denied.hear(judgement('stale', '1')), 'write-credential')).toEqual([]);
  });

  it('counts when it was read back: then it is acknowledged', () => {
    const scene = createDelivery('1', current);
    scene.hear(judgement('stale', '1'));
    const effects = settle(scene, { result: 'written', seen: seen('2', { expiresAt: current.expiresAt }) });
    expect(notes(effects)).toContain('credential-written');
    expect(sent(effects)).toMatchObject([
      { type: 'acknowledge', observations: [{ access: print('2'), announced: { position: current.position } }] },
    ]);
    // What was kept comes before what is told.
    const kinds = effects.map(effect => effect.type);
    expect(kinds.indexOf('remember')).toBeLessThan(kinds.indexOf('send'));
  });
});

function settle(scene: Scene, outcome: WriteOutcome) {
  return scene.tell({ type: 'write-settled', store, profile, outcome });
}

function begun(): Scene {
  const scene = createDelivery('1', current);
  scene.hear(judgement('stale', '1'));
  return scene;
}

/** How long after the failure the store is written again, when the coordinator judges at once; undefined: never. */
function retryAfter(scene: Scene): number | undefined {
  scene.hear(judgement('stale', '1'));
  for (let waited = 0; waited <= 2 * minute; waited += second) {
    const effects = scene.tell({ type: 'timer-fired', timer: 'revisit' });
    if (only(effects, 'write-credential').length > 0) return waited;
    scene.pass(second);
  }
  return undefined;
}

describe('a delivery that did not succeed', () => {
  it('is tried again ever more slowly when the disk says no, and its trouble is told once', () => {
    const scene = begun();
    const waits: (number | undefined)[] = [];
    const told: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      const effects = settle(scene, { result: 'failed', reason: 'the disk is full' });
      expect(notes(effects)).toContain('write-failed');
      told.push(sent(effects).length);
      waits.push(retryAfter(scene));
    }
    expect(waits.map(wait => (wait ?? 0) / second)).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
    expect(told).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('is tried again soon when OpenClaw holds the lock', () => {
    const scene = begun();
    const effects = settle(scene, { result: 'locked', reason: 'OpenClaw holds its lock' });
    expect(notes(effects)).toContain('write-postponed');
    expect(retryAfter(scene)).toBe(2 * second);
  });

  it('waits for another look when the login changed under it', () => {
    const scene = begun();
    const effects = settle(scene, { result: 'changed' });
    expect(only(effects, 'reread')).toEqual([{ type: 'reread', store }]);
    expect(only(effects, 'write-credential')).toEqual([]);
    // What stands there now is judged anew and delivered to without delay.
    scene.tell(holds(seen('3')));
    expect(only(scene.hear(judgement('stale', '3')), 'write-credential')).toHaveLength(1);
  });

  it('is tried again when the look shows the same login as before', () => {
    const scene = begun();
    settle(scene, { result: 'changed' });
    scene.tell(holds(seen('1')));
    expect(retryAfter(scene)).toBeLessThanOrEqual(2 * second);
  });

  it('forgets its trouble once it succeeds', () => {
    const scene = begun();
    settle(scene, { result: 'failed', reason: 'the disk is full' });
    retryAfter(scene);
    expect(sent(settle(scene, { result: 'written', seen: seen('2') }))).toMatchObject([
      { observations: [{ trouble: undefined }] },
    ]);
  });
});
