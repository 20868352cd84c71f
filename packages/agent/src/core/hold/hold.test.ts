import type { StoreId } from '@authmesh/shared/core/identifiers';
import { hour, minute, second } from '@authmesh/shared/core/time';
import { beforeEach, describe, expect, it } from 'vitest';
import { createScene, notes, only, profile, type Scene, seen, sent, start } from '../agent-scene.ts';
import type { AgentEffect } from '../effect.ts';
import type { ClaimState, ControlRequest, SeenHold, SeenProfile } from '../event.ts';
import type { AgentState } from '../state.ts';
import { holdSlackMs } from './hold.ts';

const storeOf = (agent: string) => `/home/claw/agents/${agent}/agent/auth-profiles.json` as StoreId;
const agents = ['main', 'a', 'b', 'c'] as const;
const pool = { name: 'web', match: ['xai*'], limit: 2, live: 2, settleMs: 20 * second };

let scene: Scene;
const look = (agent: string, hold?: SeenHold, more: Partial<SeenProfile> = {}) =>
  scene.tell({
    type: 'store-observed',
    store: storeOf(agent),
    seen: { state: 'readable', profiles: [seen('1', more)], hold },
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
  const body = { type: 'overview', pools: [pool], nodes: [], accounts: [], last: true };
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
const marked = (agent: string, isHeld: boolean) =>
  scene.tell({ type: 'store-marked', store: storeOf(agent), outcome: { result: 'marked', isHeld } });
/** The marks are written, read back and reported. */
const carryOut = (effects: readonly AgentEffect[]) =>
  marks(effects).flatMap(({ store, hold }) => {
    const agent = store.split('/')[4] ?? '';
    return [...look(agent, hold), ...marked(agent, hold !== undefined)];
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
