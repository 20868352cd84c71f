import type { AccountId, NodeId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { minute, second } from '@authmesh/shared/core/time';
import type { Claim, ClaimsReport, LimitSignal, Permits } from '@authmesh/shared/protocol/permit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScene, founder, guest, notes, only, persistPools, type Scene } from '../coordinator-scene.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { poolsKey } from '../record.ts';
import { leaseMsOf, type PoolTerms } from './terms.ts';

const account = 'oauth:openai/acct_1' as AccountId;
const profile = 'openai:default' as ProfileId;
const terms: PoolTerms = { name: 'web', match: ['openai*'], limit: 4, settleMs: 20 * second };
const links = { [founder]: 1, [guest]: 2 } as Readonly<Record<NodeId, number>>;

/** A claim of a store's recovery; `more` says what is special about it. */
function claim(id: number, more: Partial<Claim> = {}): Claim {
  const store = `/home/claw/agents/${id}/auth-profiles.json` as StoreId;
  return { id, claimant: { type: 'store', store, profile, account }, sessions: 1, phase: 'waiting', ...more };
}

/** Two connected nodes and a pool; each node's reports are numbered for it. */
function createFleet(pools: readonly PoolTerms[] = [terms]) {
  const scene = createScene({ poolTerms: pools });
  persistPools(scene);
  const numbers = new Map<NodeId, number>();
  for (const [node, link] of Object.entries(links)) scene.connect(link, node as NodeId);
  const report = (node: NodeId, claims: readonly Claim[], more: Partial<ClaimsReport> = {}) => {
    const number = (numbers.get(node) ?? 0) + 1;
    numbers.set(node, number);
    const said: ClaimsReport = { run: 'run', number, claims: [...claims], signals: [], ...more };
    return scene.tell({ type: 'frame-received', link: links[node] ?? 0, message: { type: 'claims', report: said } });
  };
  return { scene, report };
}

function answers(effects: readonly CoordinatorEffect[], node: NodeId): Permits[] {
  return only(effects, 'send').flatMap(({ link, message }) =>
    link === links[node] && message.type === 'permits' ? [message] : [],
  );
}

const grantedTo = (effects: readonly CoordinatorEffect[], node: NodeId) =>
  (answers(effects, node).at(-1)?.granted ?? []).map(({ id }) => id);
const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const waiting = (...numbers: readonly number[]) => numbers.map(id => claim(id));
const settled = (id: number, outcome: Claim['outcome'] = 'used') => claim(id, { phase: 'settled', epoch: 1, outcome });
const holding = (...numbers: readonly number[]) => numbers.map(id => claim(id, { phase: 'begun', epoch: 1 }));
const command = (id: number, sessions: number, pool = 'web') =>
  claim(id, { claimant: { type: 'command', pool }, sessions });
const poolOf = (scene: Scene) => [...scene.state().pools.pools.values()][0];

describe('a recovery', () => {
  it('begins with a canary and doubles up to the limit', () => {
    const { report } = createFleet();
    expect(grantedTo(report(founder, waiting(...ids(1, 15))), founder)).toEqual([1]);
    expect(grantedTo(report(founder, [settled(1), ...waiting(...ids(2, 15))]), founder)).toEqual([2, 3]);
    const third = report(founder, [settled(2), settled(3), ...waiting(...ids(4, 15))]);
    expect(grantedTo(third, founder)).toEqual([4, 5, 6, 7]);
    const fourth = report(founder, [...ids(4, 7).map(id => settled(id)), ...waiting(...ids(8, 15))]);
    expect(grantedTo(fourth, founder)).toEqual([8, 9, 10, 11]);
  });

  it('lets a host with one store in beside a host with fifteen', () => {
    const { report } = createFleet();
    report(founder, waiting(...ids(1, 15)));
    report(guest, waiting(1));
    const effects = report(founder, [settled(1), ...waiting(...ids(2, 15))]);
    expect(grantedTo(effects, guest)).toEqual([1]);
    expect(grantedTo(effects, founder)).toEqual([2]);
  });

  it('halts when the canary fails, says why, and goes on with another one after the back-off', () => {
    const { scene, report } = createFleet();
    report(founder, waiting(1, 2, 3));
    const failed = claim(1, { phase: 'settled', epoch: 1, outcome: 'failed', why: 'the login was refused' });
    const effects = report(founder, [failed, ...waiting(2, 3)]);
    expect(notes(effects)).toContain('recovery-halted');
    expect(grantedTo(effects, founder)).toEqual([]);
    expect(answers(effects, founder)[0]?.queued[0]?.why).toContain('the login was refused');
    scene.pass(10 * second + 1);
    expect(grantedTo(scene.tell({ type: 'timer-fired', timer: 'pools' }), founder)).toEqual([2]);
  });

  it('gives the place of one that is refused to nobody for its settle time, and lets fewer come', () => {
    const { scene, report } = createFleet();
    report(founder, waiting(...ids(1, 9)));
    report(founder, [settled(1), ...waiting(...ids(2, 9))]);
    report(founder, [settled(2), settled(3), ...waiting(...ids(4, 9))]);
    const refused = report(founder, [settled(4, 'failed'), ...holding(5, 6, 7), ...waiting(8, 9)]);
    expect(notes(refused)).toContain('limit-lowered');
    expect(poolOf(scene)).toMatchObject({ active: 4, pace: { live: 2 } });
    scene.pass(19 * second);
    report(founder, [...holding(5, 6, 7), ...waiting(8, 9)]);
    expect(poolOf(scene)?.active).toBe(4);
    scene.pass(second);
    scene.tell({ type: 'timer-fired', timer: 'pools' });
    expect(poolOf(scene)?.active).toBe(3);
  });

  it('is judged by its canary, not by a command that was under way before', () => {
    const { scene, report } = createFleet();
    report(founder, [command(1, 3)]);
    report(guest, waiting(1, 2, 3));
    expect(poolOf(scene)).toMatchObject({ active: 3, pace: { phase: 'canary' } });
    const failed = { ...command(1, 3), phase: 'settled', outcome: 'failed', why: 'it ended with status 1' } as const;
    expect(grantedTo(report(founder, [failed]), guest)).toEqual([1]);
    expect(poolOf(scene)?.pace).toMatchObject({ phase: 'canary', live: 1 });
    expect(grantedTo(report(guest, [settled(1), ...waiting(2, 3)]), guest)).toEqual([2, 3]);
  });

  it('needs no canary where agents were only held back', () => {
    const { scene, report } = createFleet();
    const held = ids(1, 6).map(id => claim(id, { isSound: true }));
    expect(grantedTo(report(founder, held), founder)).toEqual([1, 2, 3, 4]);
    const failed = claim(1, { phase: 'settled', epoch: 1, outcome: 'failed', why: 'the provider refused it' });
    report(founder, [failed, ...holding(2, 3, 4), ...held.slice(4)]);
    expect(poolOf(scene)).toMatchObject({ active: 4, pace: { phase: 'steady', live: 2 } });
  });

  it('of a store that weighs more than the limit takes all of it', () => {
    const { report } = createFleet();
    const effects = report(founder, [claim(1, { sessions: 15 })]);
    expect(answers(effects, founder)[0]?.queued).toMatchObject([{ id: 1, place: 1 }]);
  });
});

describe('a permit', () => {
  it('that nobody renews counts for its lease and the grace time', () => {
    const { scene, report } = createFleet([{ ...terms, limit: 1 }]);
    report(founder, waiting(1));
    report(guest, waiting(1));
    scene.tell({ type: 'link-closed', link: 1 });
    scene.pass(33 * second);
    report(guest, waiting(1));
    expect(poolOf(scene)?.active).toBe(1);
    scene.pass(5 * second + 1);
    expect(grantedTo(report(guest, waiting(1)), guest)).toEqual([1]);
  });

  it('of an agent that was killed is not given back by the next run of it', () => {
    const { scene, report } = createFleet([{ ...terms, limit: 1 }]);
    report(founder, waiting(1));
    const effects = report(founder, waiting(1), { run: 'another' });
    expect(grantedTo(effects, founder)).toEqual([]);
    expect(poolOf(scene)?.active).toBe(1);
  });

  it('that an earlier coordinator gave is counted, and nothing is granted while there may be more', () => {
    const scene = createScene({ poolTerms: [terms], pools: { record: { epoch: 3 }, storeRevision: 9 } });
    scene.tell({ type: 'started' });
    scene.connect(1, founder);
    const report = { run: 'run', number: 7, claims: [...holding(1, 2), ...waiting(3)], signals: [] };
    scene.tell({ type: 'frame-received', link: 1, message: { type: 'claims', report } });
    expect(poolOf(scene)).toMatchObject({ active: 2 });
    expect(poolOf(scene)?.queue.count).toBe(1);
  });

  it('of a pool that nobody knows, or for more than its limit, is refused to a command', () => {
    const { report } = createFleet();
    const effects = report(founder, [command(1, 1, 'nowhere'), command(2, 5), command(3, 4)]);
    expect(answers(effects, founder)[0]?.refused).toEqual([
      { id: 1, reason: 'the coordinator has no such pool; it has web, default' },
      { id: 2, reason: '5 sessions are more than pool web allows at once, 4' },
    ]);
    // No store waits: a command needs no canary.
    expect(grantedTo(effects, founder)).toEqual([3]);
  });

  it('for a canary goes to a recovery, not to a command or to an agent that was held back', () => {
    const { scene, report } = createFleet();
    report(guest, [claim(1, { isSound: true }), command(2, 1), claim(3)]);
    report(guest, [claim(1, { phase: 'settled', epoch: 1, outcome: 'unused' }), command(2, 1), claim(3)]);
    const effects = report(founder, [command(1, 1), claim(2, { isSound: true })]);
    expect(poolOf(scene)?.pace.phase).toBe('canary');
    expect(grantedTo(effects, founder)).toEqual([]);
  });

  it('for a canary that is larger than the limit of one comes when the pool has stood idle, whatever else waits', () => {
    const { scene, report } = createFleet();
    const [large, small] = [claim(1, { sessions: 3 }), command(1, 1)];
    report(guest, [large]);
    let granted: number[] = [];
    for (let waits = 0; waits < 20 && granted.length === 0; waits++) {
      report(founder, [small]);
      scene.pass(5 * second);
      granted = grantedTo(report(guest, [large]), guest);
    }
    expect(granted).toEqual([1]);
    expect(poolOf(scene)).toMatchObject({ active: 4, queue: { count: 0 } });
  });

  it('for three sessions at the head of the line lets smaller ones pass, and is served later', () => {
    const { scene, report } = createFleet();
    const large = command(1, 3);
    report(guest, waiting(1));
    report(founder, [large]);
    expect(grantedTo(report(guest, [settled(1), ...waiting(2, 3)]), guest)).toEqual([2, 3]);
    expect(grantedTo(report(guest, [settled(2), settled(3)]), founder)).toEqual([1]);
    expect(poolOf(scene)?.active).toBe(3);
  });
});

describe('a provider’s refusal', () => {
  const limited: LimitSignal = { account, profile, kind: 'rate-limit' };

  it('lowers the limit, once a round', () => {
    const { scene, report } = createFleet([{ ...terms, limit: 8 }]);
    let claims = waiting(...ids(1, 40));
    for (const done of [[1], [2, 3], ids(4, 7)]) {
      report(founder, claims);
      claims = claims.filter(({ id }) => !done.includes(id));
      report(founder, [...done.map(id => settled(id)), ...claims]);
    }
    expect(poolOf(scene)?.pace.live).toBe(8);
    report(founder, [...holding(...ids(8, 15)), ...waiting(...ids(16, 40))], { signals: [limited, limited] });
    expect(poolOf(scene)?.pace).toMatchObject({ live: 5, wall: 8 });
  });

  it('for a quota that is used up closes the pool until it is renewed', () => {
    const { scene, report } = createFleet();
    const effects = report(founder, waiting(1), { signals: [{ ...limited, kind: 'quota', resumesInMs: 5 * minute }] });
    expect(notes(effects)).toContain('pool-closed');
    expect(grantedTo(effects, founder)).toEqual([]);
    scene.pass(5 * minute + 1);
    expect(grantedTo(report(founder, waiting(1)), founder)).toEqual([1]);
  });

  it('says nothing more while a canary is out', () => {
    const { scene, report } = createFleet([{ ...terms, limit: 8 }]);
    report(founder, waiting(1, 2, 3));
    report(founder, [...holding(1), ...waiting(2, 3)], { signals: [limited] });
    expect(poolOf(scene)?.pace).toMatchObject({ phase: 'canary', live: 1, held: 8 });
    expect(poolOf(scene)?.pace.wall).toBeUndefined();
  });

  it('for a quota is not shortened by a later one that says less', () => {
    const { scene, report } = createFleet();
    report(founder, waiting(1), { signals: [{ ...limited, kind: 'quota', resumesInMs: 5 * minute }] });
    report(guest, waiting(1), { signals: [{ ...limited, kind: 'quota' }] });
    scene.pass(terms.settleMs + second);
    expect(grantedTo(report(guest, waiting(1)), guest)).toEqual([]);
  });

  it('is outgrown where commands alone come back', () => {
    const { scene, report } = createFleet();
    report(founder, [command(1, 1)], { signals: [limited] });
    report(founder, [{ ...command(1, 1), phase: 'begun', epoch: 1 }], { signals: [limited] });
    expect(poolOf(scene)?.pace).toMatchObject({ phase: 'steady', live: 2, wall: 4 });
    report(guest, [command(1, 4)]);
    let granted: number[] = [];
    for (let id = 2; id < 60 && granted.length === 0; id++) {
      scene.pass(terms.settleMs);
      const done = { ...command(id - 1, 1), phase: 'settled', outcome: 'elapsed' } as const;
      report(founder, [done, command(id, 1)]);
      granted = grantedTo(report(guest, [command(1, 4)]), guest);
    }
    expect(granted).toEqual([1]);
  });

  it('says nothing of a pool in which nothing comes back', () => {
    const { scene, report } = createFleet();
    report(founder, [], { signals: [limited] });
    expect(poolOf(scene)?.pace.live).toBe(4);
  });
});

describe('changed limits', () => {
  it('of a pool that is called default stay as the operator says', () => {
    const own = { ...terms, name: 'default', match: ['*'], limit: 1 };
    const { scene, report } = createFleet([own]);
    report(founder, waiting(1, 2));
    const policy = { allow: ['*'], deny: [] };
    scene.tell({ type: 'configured', policy, pools: [{ ...terms, match: ['none*'] }, own] });
    expect(poolOf(scene)?.terms).toMatchObject({ name: 'default', limit: 1 });
  });

  it('count at once, and what waits is lined up where it belongs now', () => {
    const { scene, report } = createFleet();
    report(founder, waiting(...ids(1, 5)));
    const policy = { allow: ['*'], deny: [] };
    scene.tell({ type: 'configured', policy, pools: [{ ...terms, name: 'new', limit: 1 }] });
    expect([...scene.state().pools.pools.values()].map(({ terms: { name }, queue }) => [name, queue.count])).toEqual([
      ['new', 4],
    ]);
  });

  it('count what is coming back under whatever name its pool has now', () => {
    const policy = { allow: ['*'], deny: [] };
    const renamed = { ...terms, name: 'new' };
    const stores = createFleet();
    stores.report(founder, waiting(1, 2));
    stores.scene.tell({ type: 'configured', policy, pools: [{ ...renamed, limit: 1 }] });
    expect(grantedTo(stores.report(guest, waiting(1)), guest)).toEqual([]);
    expect(poolOf(stores.scene)).toMatchObject({ terms: { name: 'new' }, active: 1, queue: { count: 2 } });

    const commands = createFleet();
    commands.report(founder, [command(1, 4)]);
    commands.scene.tell({ type: 'configured', policy, pools: [renamed] });
    const other = command(1, 1, 'new');
    expect(grantedTo(commands.report(guest, [other]), guest)).toEqual([]);
    expect(
      grantedTo(commands.report(founder, [{ ...command(1, 4), phase: 'settled', outcome: 'elapsed' }]), guest),
    ).toEqual([1]);
  });
});

describe('a settle time', () => {
  const policy = { allow: ['*'], deny: [] };
  const withSettle = (seconds: number): PoolTerms => ({ ...terms, match: ['*'], settleMs: seconds * second });
  const stored = (effects: readonly CoordinatorEffect[]) => only(effects, 'compare-and-set').map(({ value }) => value);

  it('that is raised is durable before a permit is given, and holds up nobody else', () => {
    const { scene, report } = createFleet([withSettle(3)]);
    expect(stored(scene.tell({ type: 'configured', policy, pools: [withSettle(60)] }))).toEqual([
      { epoch: 2, holdMs: 78 * second },
    ]);
    expect(grantedTo(report(founder, waiting(1)), founder)).toEqual([]);
    expect(grantedTo(scene.persist(poolsKey), founder)).toEqual([1]);
  });

  it('that is lowered counts for the next coordinator when the last longer permit is gone', () => {
    const { scene, report } = createFleet([withSettle(60)]);
    report(founder, waiting(1));
    expect(stored(scene.tell({ type: 'configured', policy, pools: [withSettle(3)] }))).toEqual([]);
    expect(stored(report(founder, holding(1)))).toEqual([]);
    expect(stored(report(founder, [settled(1)]))).toEqual([{ epoch: 2, holdMs: 21 * second }]);
  });

  it('that was longer is not forgotten by a coordinator that ends while it waits for it', () => {
    const pools = { record: { epoch: 3, holdMs: 78 * second }, storeRevision: 9 };
    const scene = createScene({ poolTerms: [withSettle(3)], pools });
    expect(stored(scene.tell({ type: 'started' }))).toEqual([{ epoch: 4, holdMs: 78 * second }]);
    scene.persist(poolsKey);
    scene.pass(78 * second);
    const effects = scene.tell({ type: 'timer-fired', timer: 'pools' });
    expect(stored(effects)).toEqual([{ epoch: 5, holdMs: 21 * second }]);
  });
});

describe('the timer', () => {
  it('that fires early is set anew for the rest', () => {
    const { scene, report } = createFleet();
    const [set] = only(report(founder, waiting(1)), 'set-timer');
    if (!set) throw new Error('no timer was set');
    scene.pass(set.delayMs - 1);
    const early = scene.tell({ type: 'timer-fired', timer: 'pools' });
    expect(notes(early)).not.toContain('permit-lost');
    expect(only(early, 'set-timer')).toEqual([{ type: 'set-timer', timer: 'pools', delayMs: 1 }]);
    scene.pass(1);
    expect(notes(scene.tell({ type: 'timer-fired', timer: 'pools' }))).toContain('permit-lost');
  });
});

describe('starts', () => {
  it('stay within their budget of a minute', () => {
    const { scene, report } = createFleet([{ ...terms, startsPerMinute: 2 }]);
    const granted: number[] = [];
    let claims = waiting(...ids(1, 4));
    for (let round = 0; round < 4; round++) {
      for (const id of grantedTo(report(founder, claims), founder)) {
        granted.push(id);
        claims = claims.map(one => (one.id === id ? settled(id) : one));
      }
    }
    expect(granted).toEqual([1, 2]);
    scene.pass(minute + 1);
    claims = claims.filter(({ phase }) => phase === 'waiting');
    expect(grantedTo(report(founder, claims), founder)).toEqual([3, 4]);
  });
});

describe('a budget of starts', () => {
  it('is all taken by a store that is larger, which counts in full, and refuses a command that is', () => {
    const { scene, report } = createFleet([{ ...terms, startsPerMinute: 2 }]);
    const effects = report(founder, [claim(1, { sessions: 3 }), command(2, 3)]);
    expect(answers(effects, founder)[0]?.refused).toEqual([
      { id: 2, reason: '3 sessions are more than pool web allows to start in a minute, 2' },
    ]);
    expect(poolOf(scene)?.queue.sessions).toBe(3);
  });

  it('lets nothing starve for what is larger than what is left of it', () => {
    const { scene, report } = createFleet([{ ...terms, startsPerMinute: 2 }]);
    const large = claim(1, { sessions: 3 });
    const granted: string[] = [];
    let id = 1;
    for (let moment = 0; moment < 60; moment++) {
      scene.pass(5 * second);
      if (grantedTo(report(guest, [large]), guest).includes(1)) {
        granted.push('large');
        report(guest, [settled(1)]);
      }
      if (!grantedTo(report(founder, [claim(id)]), founder).includes(id)) continue;
      granted.push('small');
      report(founder, [settled(id++)]);
    }
    expect(granted.filter(size => size === 'large').length).toBeGreaterThan(1);
    expect(granted.filter(size => size === 'small').length).toBeGreaterThan(2);
  });

  it('is not used up by permits that are given back unused', () => {
    const { scene, report } = createFleet([{ ...terms, startsPerDay: 4 }]);
    for (const id of ids(1, 9)) {
      expect(grantedTo(report(founder, waiting(id)), founder)).toEqual([id]);
      report(founder, [settled(id, 'unused')]);
      scene.pass(second);
    }
  });
});

describe('the hard limit (I11)', () => {
  const limit = fc.integer({ min: 1, max: 6 });
  const step = fc.record({
    node: fc.constantFrom(founder, guest),
    act: fc.constantFrom('report', 'restart', 'away', 'repeat', 'wait', 'limited'),
    amount: fc.integer({ min: 1, max: 40 }),
  });

  it('holds whatever nodes report, forget and repeat', () => {
    fc.assert(
      fc.property(limit, fc.array(step, { maxLength: 60 }), (most, steps) => {
        const { scene, report } = createFleet([{ ...terms, limit: most }]);
        const held = new Map<NodeId, number[]>();
        const heardAt = new Map<NodeId, number>();
        let next = 1;
        let now = 0;
        const runs = new Map<NodeId, number>();
        for (const { node, act, amount } of steps) {
          if (act === 'wait') now += amount * second;
          // What was begun under a permit is over when its lease is.
          const isOver = now - (heardAt.get(node) ?? 0) > leaseMsOf(terms.settleMs);
          heardAt.set(node, now);
          const mine = isOver ? [] : (held.get(node) ?? []);
          const claims = [...holding(...mine), ...waiting(...ids(next, next + (amount % 5)))];
          if (act === 'wait') scene.pass(amount * second);
          else if (act === 'away') scene.tell({ type: 'link-closed', link: links[node] ?? 0 });
          else if (act === 'restart') held.set(node, []);
          const signals: LimitSignal[] = act === 'limited' ? [{ account, profile, kind: 'rate-limit' }] : [];
          if (act === 'restart') runs.set(node, (runs.get(node) ?? 0) + 1);
          const run = `run ${runs.get(node) ?? 0}`;
          const effects = report(node, act === 'restart' ? [] : claims, { run, signals });
          for (const other of [founder, guest]) {
            const granted = answers(effects, other).at(-1)?.granted;
            if (granted)
              held.set(
                other,
                granted.map(({ id }) => id),
              );
          }
          next += 5;
          for (const pool of scene.state().pools.pools.values()) {
            const counted = [...pool.permits.values()].reduce((sum, { sessions }) => sum + sessions, 0);
            expect(pool.active).toBe(counted);
            expect(counted).toBeLessThanOrEqual(most);
          }
        }
      }),
    );
  });
});
