import type { AccountId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { hour, minute, second } from '@authmesh/shared/core/time';
import { beforeEach, describe, expect, it } from 'vitest';
import { createScene, notes, only, profile, type Scene, seen, sent, start } from '../agent-scene.ts';
import type { AgentEffect } from '../effect.ts';
import type { ClaimState, ControlRequest, MarkOutcome, SeenHold, SeenProfile } from '../event.ts';
import type { AgentState } from '../state.ts';
import { holdSlackMs } from './hold.ts';

const storeOf = (agent: string) => `/home/claw/agents/${agent}/agent/auth-profiles.json` as StoreId;
const agents = ['main', 'a', 'b', 'c'] as const;
const pool = { name: 'web', match: ['xai*'], limit: 2, live: 2, settleMs: 20 * second };

const apiPool = { ...pool, name: 'api', match: ['openai*'] };
const other = 'xai:second' as ProfileId;
const third = 'xai:third' as ProfileId;
const api = 'openai:default' as ProfileId;
const apiAccount = 'oauth:openai/acct_9' as AccountId;

let scene: Scene;
/** What every store of the host has. */
let logins: readonly SeenProfile[] = [];
beforeEach(() => {
  logins = [seen('1')];
});
const look = (agent: string, hold?: SeenHold, more: Partial<SeenProfile> = {}) =>
  scene.tell({
    type: 'store-observed',
    store: storeOf(agent),
    seen: { state: 'readable', profiles: logins.map(login => ({ ...login, ...more })), hold },
  });

/** A host with four agents whose logins work, in a pool that lets two come back. */
function createHost(more: object = {}): Scene {
  const layout = new Map(
    agents.map(agent => [storeOf(agent), { sessions: 1, fallback: storeOf('main'), ...more }] as const),
  );
  scene = createScene({ layout });
  for (const agent of agents) look(agent);
  scene.connect();
  scene.hear({ type: 'synced' });
  const body = { type: 'overview', pools: [pool, apiPool], nodes: [], accounts: [], last: true };
  scene.state().overview = { body, at: start } as unknown as AgentState['overview'];
  return scene;
}

const ask = (control: ControlRequest): { readonly state: ClaimState; readonly effects: readonly AgentEffect[] } => {
  const effects = scene.tell({ type: 'asked', request: 1, control });
  const reply = only(effects, 'reply')[0]?.reply;
  if (reply?.op !== 'claim') throw new Error('no claim was answered');
  return { state: reply.state, effects };
};
const claim = (sessions: number) => ask({ op: 'claim', pool: 'web', sessions });
const begin = (id: number) => ask({ op: 'claim-started', claim: id });
const marks = (effects: readonly AgentEffect[]) => only(effects, 'mark-store');
const reports = (effects: readonly AgentEffect[]) =>
  sent(effects).flatMap(message => (message.type === 'claims' ? [message.report] : []));
const marked = (agent: string, held: readonly ProfileId[]) =>
  scene.tell({ type: 'store-marked', store: storeOf(agent), outcome: { result: 'marked', held } });
const undone = (agent: string, outcome: MarkOutcome) =>
  scene.tell({ type: 'store-marked', store: storeOf(agent), outcome });
const locked = { result: 'locked', reason: 'process 7 holds the lock' } as const;
const tick = () => scene.tell({ type: 'timer-fired', timer: 'claims' });
/** The marks are written, read back and reported. */
const carryOut = (effects: readonly AgentEffect[]) =>
  marks(effects).flatMap(({ store, hold }) => {
    const agent = store.split('/')[4] ?? '';
    return [...look(agent, hold), ...marked(agent, hold?.profiles ?? [])];
  });

const carryOutAll = (effects: readonly AgentEffect[]) => {
  carryOut(effects);
  return marks(effects).map(({ hold }) => hold?.until);
};

describe('a command that starts more than its pool allows', () => {
  beforeEach(() => void createHost());

  it('asks for what it will start, holds the others, and then starts', () => {
    const { state, effects } = claim(4);
    expect(reports(effects)).toMatchObject([{ claims: [{ sessions: 2, claimant: { type: 'command' } }] }]);
    expect(marks(scene.grant({ pool: 'web' }))).toEqual([]);
    const placing = begin(state.claim);
    expect(placing.state.phase).toBe('granted');
    expect(marks(placing.effects).map(({ store }) => store)).toEqual([storeOf('b'), storeOf('c')]);
    expect(marks(placing.effects)[0]?.hold?.profiles).toEqual([profile]);
    expect(notes(placing.effects)).toEqual(['hold-placed', 'hold-placed']);
    expect(begin(state.claim).state.phase).toBe('granted');
    carryOut(placing.effects);
    expect(begin(state.claim).state).toMatchObject({ phase: 'settling', held: 2 });
  });

  it('lets each go under a permit of its own, while the permit covers its settle time', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    carryOut(begin(state.claim).effects);
    const started = begin(state.claim).effects;
    expect(
      reports(started)
        .at(-1)
        ?.claims.map(({ phase }) => phase),
    ).toEqual(['begun', 'waiting', 'waiting']);
    const lifting = scene.grant({ pool: 'web', leaseMs: minute, settleMs: 20 * second });
    expect(marks(lifting)).toEqual([
      { type: 'mark-store', store: storeOf('b'), before: 40 * second },
      { type: 'mark-store', store: storeOf('c'), before: 40 * second },
    ]);
    // The write is under way: whatever comes now, its sessions may be coming back.
    scene.pass(5 * second);
    const told = reports(scene.tell({ type: 'timer-fired', timer: 'claims' })).at(-1)?.claims;
    expect(told?.map(({ phase }) => phase)).toEqual(['begun', 'begun', 'begun']);
    expect(notes(carryOut(lifting)).filter(name => name === 'hold-lifted').length).toBe(2);
    expect(scene.state().holds.size).toBe(0);
  });

  it('has marks that end by themselves, a limit’s worth at a time, and keeps them up while it has a coordinator', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web', settleMs: 20 * second });
    const placing = begin(state.claim).effects;
    expect(marks(placing).map(({ hold }) => (hold?.until ?? 0) - start)).toEqual([
      holdSlackMs + 20 * second,
      holdSlackMs + 20 * second,
    ]);
    carryOut(placing);
    begin(state.claim);
    scene.pass(holdSlackMs - minute);
    const later = scene.tell({ type: 'timer-fired', timer: 'claims' });
    expect(marks(later).map(({ hold }) => (hold?.until ?? 0) - start)).toEqual([
      2 * holdSlackMs - minute,
      2 * holdSlackMs - minute,
    ]);
    carryOut(later);
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    scene.pass(holdSlackMs);
    expect(notes(scene.tell({ type: 'timer-fired', timer: 'claims' }))).toEqual(['hold-ended', 'hold-ended']);
    expect(scene.state().holds.size).toBe(0);
  });

  it.each([-6 * hour, 6 * hour])('has marks that last as long when the clock is set by %i ms', byMs => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    const [before] = carryOutAll(begin(state.claim).effects);
    begin(state.claim);
    scene.setClock(byMs);
    const moved = marks(scene.tell({ type: 'clock-jumped', byMs }));
    expect(moved.map(({ hold }) => (hold?.until ?? 0) - (before ?? 0))).toEqual([byMs, byMs]);
  });

  it('puts marks back that OpenClaw cleared at the end of a turn', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    carryOut(begin(state.claim).effects);
    begin(state.claim);
    expect(marks(look('b'))).toMatchObject([{ store: storeOf('b'), hold: { profiles: [profile] } }]);
  });

  it('holds every login that its agents could use, also where OpenClaw clears one mark, or one more is added', () => {
    logins = [seen('1'), seen('2', { profile: other })];
    createHost();
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    const placing = begin(state.claim).effects;
    expect(marks(placing)[0]?.hold?.profiles).toEqual([profile, other]);
    carryOut(placing);
    begin(state.claim);
    const until = scene.state().holds.get(storeOf('b'))?.until ?? 0;
    const again = look('b', { until, profiles: [other] });
    expect(marks(again)).toMatchObject([{ store: storeOf('b'), hold: { until, profiles: [profile, other] } }]);
    carryOut(again);
    logins = [...logins, seen('3', { profile: third })];
    const more = marks(look('b', { until, profiles: [profile, other] }));
    expect(more).toMatchObject([{ store: storeOf('b'), hold: { profiles: [profile, other, third] } }]);
  });

  it('gives its permits back where a lock stays in the way of the marks', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    begin(state.claim);
    for (let seconds = 0; seconds <= 16; seconds += 2) {
      for (const agent of ['b', 'c']) undone(agent, locked);
      scene.pass(2 * second);
      tick();
      begin(state.claim);
    }
    expect(begin(state.claim).state).toMatchObject({ phase: 'not-now', why: expect.stringContaining('process 7') });
  });

  it('gives its permits back, too, where a store is set aside before its marks stand', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    begin(state.claim);
    for (const agent of ['b', 'c']) undone(agent, locked);
    scene.tell({
      type: 'store-observed',
      store: storeOf('b'),
      seen: { state: 'quarantined', reason: 'it is a directory' },
    });
    for (let seconds = 0; seconds <= 16; seconds += 2) {
      scene.pass(2 * second);
      for (const { store } of marks(tick())) undone(store.split('/')[4] ?? '', locked);
      begin(state.claim);
    }
    expect(begin(state.claim).state.phase).toBe('not-now');
  });

  it('may be tried again where an agent could not be held, also when its permits are others’ by now', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    begin(state.claim);
    const told = reports(undone('b', { result: 'failed', reason: 'the disk is full' })).at(-1);
    scene.hear({ type: 'permits', run: 'run', number: told?.number ?? 0, granted: [], queued: [], refused: [] });
    expect(begin(state.claim).state.phase).toBe('not-now');
  });

  it('marks nothing any more once it is given up', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    begin(state.claim);
    for (const agent of ['b', 'c']) undone(agent, locked);
    ask({ op: 'claim-ended', claim: state.claim, outcome: 'unused' });
    scene.pass(2 * second);
    expect(marks(tick())).toEqual([]);
    expect(scene.state().holds.size).toBe(0);
  });

  it('waits for another one that has just held agents back, whatever its pool', () => {
    logins = [seen('1'), seen('9', { profile: api, account: apiAccount })];
    createHost();
    const [web, second] = [claim(4).state, ask({ op: 'claim', pool: 'api', sessions: 4 }).state];
    expect([web.phase, second.phase]).toEqual(['waiting', 'waiting']);
    scene.grant({ pool: 'web' });
    carryOut(begin(web.claim).effects);
    begin(web.claim);
    const { state, effects } = begin(second.claim);
    expect(state).toMatchObject({
      phase: 'not-now',
      why: expect.stringContaining('2 agents of this host are held back'),
    });
    expect(marks(effects)).toEqual([]);
  });

  it('ends the marks of a store that cannot be read any more, and asks for no turn for it', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    carryOut(begin(state.claim).effects);
    begin(state.claim);
    const gone = { state: 'quarantined', reason: 'it is a directory' } as const;
    const told = reports(scene.tell({ type: 'store-observed', store: storeOf('b'), seen: gone })).at(-1);
    expect(told?.claims.map(({ phase }) => phase)).toEqual(['begun', 'waiting']);
    for (let minutes = 0; minutes <= 6; minutes++) {
      scene.pass(minute);
      carryOut(tick());
    }
    expect([...scene.state().holds.keys()]).toEqual([storeOf('c')]);
  });

  it('ends its marks in time when the clock was set back while OpenClaw had the lock', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    carryOut(begin(state.claim).effects);
    begin(state.claim);
    scene.setClock(-6 * hour);
    scene.tell({ type: 'clock-jumped', byMs: -6 * hour });
    undone('b', locked);
    scene.pass(2 * second);
    const again = marks(tick()).find(({ store }) => store === storeOf('b'));
    expect((again?.hold?.until ?? 0) - (start - 6 * hour)).toBe(holdSlackMs + 20 * second);
  });

  it('knows of its marks again when the clock is set back before their end', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    carryOut(begin(state.claim).effects);
    begin(state.claim);
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    scene.pass(2 * holdSlackMs);
    tick();
    expect(scene.state().holds.size).toBe(0);
    scene.setClock(-hour);
    scene.tell({ type: 'clock-jumped', byMs: -hour });
    expect(scene.state().holds.size).toBe(2);
  });

  it('gives the permit back when the marks cannot be lifted, and asks for another', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    carryOut(begin(state.claim).effects);
    begin(state.claim);
    scene.grant({ pool: 'web' });
    const outcome = { result: 'failed', reason: 'the disk is full' } as const;
    const failed = scene.tell({ type: 'store-marked', store: storeOf('b'), outcome });
    expect(notes(failed)).toEqual(['hold-failed']);
    const told = reports(failed)
      .at(-1)
      ?.claims.find(({ claimant }) => 'store' in claimant && claimant.store === storeOf('b'));
    expect(told).toMatchObject({ phase: 'settled', outcome: 'unused' });
    scene.pass(2 * second);
    const again = reports(scene.tell({ type: 'timer-fired', timer: 'claims' })).at(-1)?.claims;
    expect(again?.filter(({ phase }) => phase === 'waiting').length).toBe(1);
  });

  it('does not start when an agent cannot be held, and lets the others go in their turn', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    const placing = begin(state.claim).effects;
    const outcome = { result: 'failed', reason: 'the disk is full' } as const;
    const [b, c] = marks(placing);
    if (!b || !c) throw new Error('two were to be held');
    carryOut([b]);
    expect(notes(scene.tell({ type: 'store-marked', store: c.store, outcome }))).toEqual(['hold-failed']);
    expect(begin(state.claim).state).toMatchObject({ phase: 'not-now', why: expect.stringContaining('disk is full') });
    const { effects } = ask({ op: 'claim-ended', claim: state.claim, outcome: 'unused' });
    const queued = reports(effects).at(-1)?.claims;
    expect(queued?.map(({ phase }) => phase)).toEqual(['settled', 'waiting']);
  });

  it('is asked to come back while agents are held since the last one', () => {
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    carryOut(begin(state.claim).effects);
    expect(claim(4).state).toMatchObject({ phase: 'not-now' });
    expect(claim(2).state).toMatchObject({ phase: 'waiting' });
  });
});

it('a command that asks for less than its host has in the pool is told so', () => {
  createHost();
  expect(claim(1).state).toMatchObject({ phase: 'waiting', unsaid: 4 });
  expect(claim(4).state.unsaid).toBeUndefined();
});

describe('what cannot be held', () => {
  it('is refused with the reason', () => {
    createHost();
    expect(claim(6).state).toMatchObject({
      phase: 'refused',
      why: '6 sessions are more than pool web allows at once, 2, and 3 of them can be held back meanwhile (a main agent comes back with the command)',
    });
    createHost({ noHold: 'OpenClaw 2026.3.13 does not see it' });
    expect(claim(4).state.why).toContain('0 of them can be held back meanwhile (OpenClaw 2026.3.13 does not see it)');
  });

  it('need not be where no login works', () => {
    createHost();
    for (const agent of agents) look(agent, undefined, { expiresAt: start - second });
    const { state } = claim(4);
    scene.grant({ pool: 'web' });
    expect(begin(state.claim).state.phase).toBe('settling');
  });
});

it('a daemon that starts anew finds its holds in the stores', () => {
  createHost();
  const effects = look('b', { until: start + holdSlackMs, profiles: [profile] });
  expect(reports(effects).at(-1)?.claims).toMatchObject([{ phase: 'waiting', claimant: { store: storeOf('b') } }]);
  expect(marks(scene.grant({ pool: 'web' }))).toEqual([
    { type: 'mark-store', store: storeOf('b'), before: 40 * second },
  ]);
});

it('a login that ends while its agent is held comes back as a recovery', () => {
  createHost();
  const hold = { until: start + holdSlackMs, profiles: [profile] };
  const isSound = (effects: readonly AgentEffect[]) =>
    reports(effects)
      .at(-1)
      ?.claims.map(one => one.isSound);
  expect(isSound(look('b', hold))).toEqual([true]);
  look('b', hold, { expiresAt: start - second });
  scene.pass(5 * second);
  expect(isSound(tick())).toEqual([undefined]);
});

it('a daemon that starts anew knows how many sessions a mark holds, and of whose login, when it knows the layout', () => {
  const layout = new Map(agents.map(agent => [storeOf(agent), { sessions: 3, fallback: storeOf('main') }] as const));
  scene = createScene({});
  const hold = { until: start + holdSlackMs, profiles: [profile] };
  look('a', hold);
  scene.tell({ type: 'store-observed', store: storeOf('b'), seen: { state: 'readable', profiles: [], hold } });
  look('main');
  scene.tell({ type: 'configured', config: { ...scene.state().config, layout } });
  scene.connect();
  const told = reports(scene.hear({ type: 'synced' })).at(-1)?.claims;
  expect(told?.map(({ claimant, sessions }) => [claimant.type === 'store' && claimant.store, sessions])).toEqual([
    [storeOf('a'), 3],
    [storeOf('b'), 3],
  ]);
});
