import { copyKey, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import { hour, minute, second } from '@authmesh/shared/core/time';
import type { ClaimsReport } from '@authmesh/shared/protocol/permit';
import { describe, expect, it } from 'vitest';
import {
  account,
  createDelivery,
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
} from '../agent-scene.ts';
import type { AgentConfig } from '../config.ts';
import type { AgentEffect } from '../effect.ts';
import type { SeenProfile } from '../event.ts';
import { sessionsOf } from './recovery.ts';

const current = facts('2', 1, { refresh: print('b'), expiresAt: start + 10 * hour });
const dead = { expiresAt: start - second } as const;
const key = copyKey(store, profile);
const storeOf = (agent: string) => `/home/claw/.openclaw/agents/${agent}/agent/auth-profiles.json` as StoreId;

/** A store whose login has ended, judged to be an old one. */
function createDead(more: Partial<SeenProfile> = {}): { scene: Scene; effects: readonly AgentEffect[] } {
  const scene = createDelivery('1', current, { ...dead, ...more });
  return { scene, effects: scene.hear(judgement('stale', '1')) };
}

const writes = (effects: readonly AgentEffect[]) => only(effects, 'write-credential');
const reports = (effects: readonly AgentEffect[]): ClaimsReport[] =>
  sent(effects).flatMap(message => (message.type === 'claims' ? [message.report] : []));
const phases = (effects: readonly AgentEffect[]) =>
  reports(effects)
    .at(-1)
    ?.claims.map(({ phase, outcome }) => outcome ?? phase);
const written = (scene: Scene, more: Partial<SeenProfile> = {}) => {
  const found = seen('2', { expiresAt: start + 10 * hour, ...more });
  return scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'written', seen: found } });
};

describe('a login that works', () => {
  it('is replaced at once, as long as it works', () => {
    const scene = createDelivery('1', current, { expiresAt: start + minute });
    expect(writes(scene.hear(judgement('stale', '1')))).toMatchObject([{ access: print('2'), before: minute }]);
  });
});

describe('a login that has ended', () => {
  it('waits for a permit, and is written within what is left of it (invariant I11)', () => {
    const { scene, effects } = createDead();
    expect(writes(effects)).toEqual([]);
    expect(reports(effects)).toMatchObject([{ number: 1, claims: [{ phase: 'waiting', sessions: 1 }] }]);
    scene.pass(second);
    const granted = scene.grant({ leaseMs: minute, settleMs: 20 * second });
    // Counted from the report, which left a second before: a minute less the settle time.
    expect(writes(granted)).toMatchObject([{ access: print('2'), form: 'bearer', before: 40 * second }]);
    expect(phases(written(scene))).toEqual(['begun']);
  });

  it('that stood in its store for a moment has woken its sessions, whatever stands there since', () => {
    const { scene } = createDead();
    scene.grant();
    const outcome = { result: 'changed', stood: true } as const;
    expect(phases(scene.tell({ type: 'write-settled', store, profile, outcome }))).toEqual(['begun']);
  });

  it('that never stood there gives its permit back', () => {
    const { scene } = createDead();
    scene.grant();
    const outcome = { result: 'changed' } as const;
    expect(phases(scene.tell({ type: 'write-settled', store, profile, outcome }))).toEqual(['unused']);
  });

  it('is not written under a permit that was slept through', () => {
    const { scene } = createDead();
    scene.pass(hour);
    const effects = scene.grant();
    expect(writes(effects)).toEqual([]);
    expect(phases(effects)).toEqual(['waiting']);
  });

  it('loses its refresh token while it waits, and nothing else', () => {
    const { scene, effects } = createDead({ refresh: print('a') });
    // Its turn may be now: nothing is written twice.
    expect(writes(effects)).toEqual([]);
    const line = { id: 1, pool: 'default', place: 3, etaMs: second, why: 'others come first' };
    expect(
      writes(scene.hear({ type: 'permits', run: 'run', number: 1, granted: [], queued: [line], refused: [] })),
    ).toMatchObject([{ access: print('1'), takesRefreshOnly: true, form: 'bearer' }]);
    const stays = { result: 'written', seen: seen('1', dead) } as const;
    const after = scene.tell({ type: 'write-settled', store, profile, outcome: stays });
    expect(scene.state().claims.byCopy.has(key)).toBe(true);
    expect(phases(after)).not.toEqual(['begun']);
    scene.hear(judgement('stale', '1'));
    expect(writes(scene.grant())).toMatchObject([{ access: print('2'), form: 'bearer' }]);
  });

  it('keeps its refresh token where every host may hold it', () => {
    const scene = createScene({ custody: 'copy' });
    scene.tell(holds(seen('1', { ...dead, refresh: print('a') })));
    scene.connect();
    scene.announce(current);
    expect(writes(scene.hear(judgement('stale', '1')))).toEqual([]);
  });

  it('does not give place to another one that has ended', () => {
    const scene = createDelivery('1', { ...current, expiresAt: start - hour }, dead);
    const effects = scene.hear(judgement('stale', '1'));
    expect(writes(effects)).toEqual([]);
    expect(scene.state().claims.byId.size).toBe(0);
  });

  it('of the home gets a pair that can be renewed, under a permit', () => {
    const scene = createDelivery('1', { ...current, home: self, expiresAt: start - hour }, dead);
    expect(writes(scene.hear(judgement('stale', '1')))).toEqual([]);
    expect(writes(scene.grant())).toMatchObject([{ form: 'full' }]);
  });

  it('that its owner renews meanwhile gives its place up', () => {
    const { scene } = createDead();
    const effects = scene.tell(holds(seen('3', { expiresAt: start + hour })));
    expect(reports(effects).at(-1)?.claims).toEqual([]);
  });
});

describe('sessions that come back', () => {
  const use = { usedAt: start - hour } as const;

  it.each([
    ['used', { usedAt: start + second }],
    ['used', { usedAt: start + minute, failedAt: start + second, failure: 'other' }],
    ['failed', { ...use, failedAt: start + second, failure: 'auth' }],
    ['failed', { ...use, failedAt: start + second, failure: 'rate-limit' }],
    // As 2026.2.12 leaves it where there is no second profile.
    ['failed', { usedAt: start + second + 12, failedAt: start + second, failure: 'other' }],
  ] as const)('are %s when OpenClaw notes it after the delivery', (outcome, noted) => {
    const { scene } = createDead();
    scene.grant();
    written(scene, { use });
    const effects = scene.tell(holds(seen('2', { expiresAt: start + 10 * hour, use: noted })));
    expect(phases(effects)).toEqual([outcome]);
  });

  it('are taken for back when the settle time is over, and not before', () => {
    const { scene } = createDead();
    scene.grant({ settleMs: 20 * second });
    written(scene, { use });
    scene.pass(20 * second - 1);
    expect(phases(scene.tell({ type: 'timer-fired', timer: 'claims' }))).toEqual(['begun']);
    scene.pass(1);
    expect(phases(scene.tell({ type: 'timer-fired', timer: 'claims' }))).toEqual(['elapsed']);
  });

  it('are looked at again in their time when the timer fires early', () => {
    const { scene } = createDead();
    scene.grant({ settleMs: 3 * second });
    const [set] = only(written(scene, { use }), 'set-timer').filter(({ timer }) => timer === 'claims');
    if (!set) throw new Error('no timer was set');
    scene.pass(set.delayMs - 1);
    const early = scene.tell({ type: 'timer-fired', timer: 'claims' });
    expect(only(early, 'set-timer').filter(({ timer }) => timer === 'claims')).toMatchObject([{ delayMs: 1 }]);
  });

  it('are not taken for back because somebody sets the clock forward', () => {
    const { scene } = createDead();
    scene.grant();
    written(scene);
    scene.pass(second);
    scene.setClock(minute);
    const effects = scene.tell({ type: 'clock-jumped', byMs: minute });
    expect(phases(effects) ?? []).not.toContain('elapsed');
    scene.pass(19 * second);
    expect(phases(scene.tell({ type: 'timer-fired', timer: 'claims' }))).toEqual(['elapsed']);
  });

  it('of which there are several are not all back when one of them is used', () => {
    const layout = new Map([[store, { sessions: 3, fallback: store }]]);
    const scene = createScene({ layout });
    scene.tell(holds(seen('1', dead)));
    scene.connect();
    scene.hear({ type: 'synced' });
    scene.announce(current);
    scene.hear(judgement('stale', '1'));
    scene.grant();
    written(scene);
    scene.pass(second);
    const used = seen('2', { expiresAt: start + 10 * hour, use: { usedAt: start + second } });
    expect(phases(scene.tell(holds(used))) ?? []).not.toContain('used');
    scene.pass(20 * second);
    expect(phases(scene.tell({ type: 'timer-fired', timer: 'claims' }))).toEqual(['elapsed']);
  });

  it('are asked about by the pool’s health command only where this host allows it', () => {
    for (const healthCommands of [true, false]) {
      const scene = createScene({ healthCommands });
      scene.tell(holds(seen('1', dead)));
      scene.connect();
      scene.hear({ type: 'synced' });
      scene.announce(current);
      scene.hear(judgement('stale', '1'));
      scene.grant({ healthCommand: 'true' });
      expect(only(written(scene), 'check-health')).toHaveLength(healthCommands ? 1 : 0);
    }
  });
});

describe('a host’s main store', () => {
  const main = '/home/claw/main/auth-profiles.json' as StoreId;
  const layout: AgentConfig['layout'] = new Map([
    [main, { sessions: 1, fallback: main }],
    [store, { sessions: 1, fallback: main }],
    ['/home/claw/third/auth-profiles.json' as StoreId, { sessions: 2, fallback: main }],
  ]);

  it('is healed last, and counts for those that fall back to it', () => {
    const scene = createScene({ layout });
    for (const one of [main, store]) {
      scene.tell({ type: 'store-observed', store: one, seen: { state: 'readable', profiles: [seen('1', dead)] } });
    }
    scene.connect();
    scene.hear({ type: 'synced' });
    scene.announce(current);
    const word = { profile: profile as ProfileId, access: print('1'), verdict: 'stale', why: 'so it is' } as const;
    const both = [main, store].map(one => ({ ...word, store: one }));
    const effects = scene.hear({ type: 'judgements', judgements: both });
    expect(reports(effects).at(-1)?.claims).toMatchObject([{ claimant: { store, account }, sessions: 1 }]);
    // While the other one is being written, too.
    expect(reports(scene.grant()).flatMap(({ claims }) => claims.map(({ claimant }) => claimant))).not.toContainEqual(
      expect.objectContaining({ store: main }),
    );
    // It has its own from now on, whether it was used already or not.
    expect(reports(written(scene)).at(-1)?.claims).toMatchObject([
      { claimant: { store }, phase: 'begun' },
      { claimant: { store: main }, sessions: 3, phase: 'waiting' },
    ]);
  });
});

it('a store that is a link to the main store is healed with it, and counts for the same agents', () => {
  const [main, link, own, none] = ['main', 'link', 'own', 'none'].map(agent => storeOf(agent)) as [
    StoreId,
    StoreId,
    StoreId,
    StoreId,
  ];
  const fallback = main;
  const layout = new Map([
    [main, { sessions: 1, together: 2, fallback }],
    [link, { sessions: 1, together: 2, fallback, isFallback: true }],
    [own, { sessions: 1, fallback }],
    [none, { sessions: 6, fallback }],
  ] as const);
  const scene = createScene({ layout });
  for (const one of [main, link, own]) {
    scene.tell({ type: 'store-observed', store: one, seen: { state: 'readable', profiles: [seen('1', dead)] } });
  }
  scene.connect();
  scene.hear({ type: 'synced' });
  scene.announce(current);
  const word = { profile, access: print('1'), verdict: 'stale', why: 'an old one' } as const;
  const judgements = [link, main, own].map(one => ({ ...word, store: one }));
  const told = reports(scene.hear({ type: 'judgements', judgements })).at(-1)?.claims;
  expect(told?.map(({ claimant, sessions }) => ['store' in claimant && claimant.store, sessions])).toEqual([[own, 1]]);
  expect(sessionsOf(scene.state(), { store: link, account })).toBe(8);
});

describe('a refusal by the provider', () => {
  it('is told when it is new, and not when it stood there from before', () => {
    const scene = createDelivery('2', current);
    const limited = (failedAt: number) =>
      scene.tell(holds(seen('2', { use: { failedAt, failure: 'rate-limit', pausedUntil: start + minute } })));
    expect(reports(limited(start - hour))).toEqual([]);
    expect(reports(limited(start - second))).toMatchObject([
      { signals: [{ account, profile, kind: 'rate-limit', resumesInMs: minute }] },
    ]);
    expect(reports(limited(start - second))).toEqual([]);
  });
});

describe('a command’s claim', () => {
  it('that is refused is not told again and again', () => {
    const scene = createScene();
    scene.connect();
    scene.hear({ type: 'synced' });
    const asked = (pool: string) =>
      scene.tell({ type: 'asked', request: 1, control: { op: 'claim', pool, sessions: 1 } });
    asked('web');
    scene.grant({ pool: 'web' });
    const told = reports(asked('nowhere')).at(-1);
    const number = told?.number ?? 0;
    const granted = [{ id: 1, pool: 'web', epoch: 1, leaseMs: minute, settleMs: second }];
    const answer = { type: 'permits' as const, run: 'run', queued: [], granted };
    const refused = [{ id: 2, reason: 'the coordinator has no such pool' }];
    expect(reports(scene.hear({ ...answer, number, refused }))).toEqual([]);
    scene.pass(5 * second);
    const again = reports(scene.tell({ type: 'timer-fired', timer: 'claims' })).at(-1);
    expect(again?.claims.map(({ id }) => id)).toEqual([1]);
    expect(reports(scene.hear({ ...answer, number: again?.number ?? 0, refused: [] }))).toEqual([]);
  });

  it('is settled by the last health check alone, begun anew when the command has ended', () => {
    const scene = createScene({ healthCommands: true });
    scene.connect();
    scene.hear({ type: 'synced' });
    scene.tell({ type: 'asked', request: 1, control: { op: 'claim', pool: 'web', sessions: 1 } });
    scene.grant({ pool: 'web', healthCommand: 'test -e up' });
    const checks = (effects: readonly AgentEffect[]) => only(effects, 'check-health');
    const ask = (op: 'claim-started' | 'claim-ran') =>
      scene.tell({ type: 'asked', request: 2, control: { op, claim: 1 } });
    expect(checks(ask('claim-started'))).toMatchObject([{ claim: 1, run: 1, fallsFirst: true }]);
    scene.pass(2 * second);
    expect(checks(ask('claim-ran'))).toMatchObject([{ claim: 1, run: 2, fallsFirst: false, timeoutMs: 18 * second }]);
    scene.tell({ type: 'health-checked', claim: 1, run: 1, ok: true, why: 'it ended 0' });
    expect(scene.state().claims.byId.get(1)?.phase).toBe('settling');
    scene.tell({ type: 'health-checked', claim: 1, run: 2, ok: true, why: 'it ended 0' });
    expect(scene.state().claims.byId.get(1)).toMatchObject({ phase: 'settled', outcome: 'passed' });
  });

  const ask = (scene: Scene, control: Parameters<Scene['tell']>[0] & { type: 'asked' }) => scene.tell(control);
  const replies = (effects: readonly AgentEffect[]) => only(effects, 'reply').map(({ reply }) => reply);

  it('is granted, started and settled', () => {
    const scene = createDelivery('2', current);
    ask(scene, { type: 'asked', request: 1, control: { op: 'claim', pool: 'web', sessions: 3 } });
    scene.grant({ settleMs: 5 * second });
    const started = ask(scene, { type: 'asked', request: 2, control: { op: 'claim-started', claim: 1 } });
    expect(replies(started)).toMatchObject([{ op: 'claim', state: { claim: 1, phase: 'settling', settleMs: 5_000 } }]);
    scene.pass(5 * second);
    expect(phases(scene.tell({ type: 'timer-fired', timer: 'claims' }))).toEqual(['elapsed']);
  });

  it('of a command that does not ask any more is given up', () => {
    const scene = createDelivery('2', current);
    ask(scene, { type: 'asked', request: 1, control: { op: 'claim', pool: 'web', sessions: 3 } });
    scene.pass(10 * second);
    expect(reports(scene.tell({ type: 'timer-fired', timer: 'claims' })).at(-1)?.claims).toEqual([]);
  });
});
