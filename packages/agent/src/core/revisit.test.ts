import type { AccountId, Fingerprint, FleetId, NodeId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { hour, minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { createDelivery, facts, judgement, only, print } from './agent-scene.ts';
import type { AgentEffect } from './effect.ts';
import type { AgentEvent } from './event.ts';
import { createAgentState } from './initial-state.ts';
import { transition } from './transition.ts';

const node = 'a'.repeat(32) as NodeId;
const other = 'b'.repeat(32) as NodeId;
const account = 'oauth:xai/acct_1' as AccountId;
const profile = 'xai:default' as ProfileId;
const store = '/home/claw/auth-profiles.json' as StoreId;
const start = 1_800_000_000_000;
const ours = '1'.repeat(32) as Fingerprint;
const theirs = '2'.repeat(32) as Fingerprint;

/** An agent whose own login stands beside the fleet's; the two end when they are told to. */
function besideTheFleet(ends: { readonly own: number; readonly fleet: number }) {
  let state = createAgentState({
    node,
    name: 'pc-a',
    fleet: other as string as FleetId,
    config: {
      coordinators: ['wss://central'],
      profiles: { allow: ['*'], deny: [] },
      create: [],
      apiKeys: false,
      custody: 'auto',
      refreshes: new Map(),
    },
    memory: [],
    run: 'run',
  });
  const tell = (at: number, event: AgentEvent): readonly AgentEffect[] => {
    const step = transition(state, { at, elapsed: at - start, awake: at - start, seed: 1, event });
    state = step.state;
    return step.effects;
  };
  tell(start, { type: 'started' });
  tell(start, {
    type: 'store-observed',
    store,
    seen: {
      state: 'readable',
      profiles: [
        { profile, account, identity: 'account', kind: 'oauth', health: 'sound', access: ours, expiresAt: ends.own },
      ],
    },
  });
  const policy = { allow: ['*'], deny: [] };
  tell(start, { type: 'link-opened', url: 'wss://central', clockOffsetMs: 0, epoch: 1, policy });
  tell(start, {
    type: 'announced',
    facts: {
      account,
      kind: 'oauth',
      profile,
      position: { epoch: 1, revision: 1 },
      generation: 1,
      access: theirs,
      expiresAt: ends.fleet,
      origin: other,
      home: other,
      restored: false,
    },
  });
  const judgement = { store, profile, access: ours, verdict: 'parallel', why: 'order unknown' } as const;
  tell(start, { type: 'frame-received', message: { type: 'judgements', judgements: [judgement] } });
  const look = (at: number) => reports(tell(at, { type: 'timer-fired', timer: 'revisit' }));
  const judge = (at: number) =>
    tell(at, { type: 'frame-received', message: { type: 'judgements', judgements: [judgement] } });
  const callStale = (at: number) =>
    tell(at, {
      type: 'frame-received',
      message: { type: 'judgements', judgements: [{ ...judgement, verdict: 'stale' }] },
    });
  const fail = (at: number) => {
    callStale(at);
    tell(at, { type: 'write-settled', store, profile, outcome: { result: 'failed', reason: 'the disk is full' } });
    callStale(at);
  };
  return { look, judge, fail, tell };
}

function reports(effects: readonly AgentEffect[]): number {
  return effects.filter(
    ({ type, ...effect }) => type === 'send' && 'message' in effect && effect.message.type !== 'beat',
  ).length;
}

describe('a parallel login', () => {
  it('is reported again when it ends', () => {
    const { look } = besideTheFleet({ own: start + minute, fleet: start + hour });
    expect(look(start + minute - 1)).toBe(0);
    expect(look(start + minute)).toBe(1);
  });

  it('is reported again when the fleet’s login ends: it may take its place', () => {
    const { look } = besideTheFleet({ own: start + hour, fleet: start + minute });
    expect(look(start + minute - 1)).toBe(0);
    expect(look(start + minute)).toBe(1);
  });

  it('is reported once more when the coordinator’s clock may have been behind', () => {
    const { look, judge } = besideTheFleet({ own: start + minute, fleet: start + hour });
    expect(look(start + minute)).toBe(1);
    judge(start + minute + 100);
    expect(look(start + minute + 29_999)).toBe(0);
    expect(look(start + minute + 30_000)).toBe(1);
  });
});

describe('a clock that is set back', () => {
  it('does not put off the next attempt of a failed delivery', () => {
    const { fail, tell } = besideTheFleet({ own: start + hour, fleet: start + hour });
    fail(start);
    const setBack = start - hour;
    tell(setBack, { type: 'clock-jumped', byMs: -hour });
    const effects = tell(setBack + minute, { type: 'timer-fired', timer: 'revisit' });
    expect(effects.some(effect => effect.type === 'write-credential')).toBe(true);
  });
});

describe('the fleet’s login in a store that has its end wrong', () => {
  it('is written anew when it seems to end, with the end that the fleet knows', () => {
    const right = start + hour;
    const scene = createDelivery('2', facts('2', 1, { expiresAt: right }), { expiresAt: start + minute });
    scene.hear(judgement('in-step', '2'));
    scene.pass(5_000);
    scene.tell({ type: 'timer-fired', timer: 'revisit' });
    expect(scene.state().revisitAt).toBe(start + minute);
    scene.pass(minute - 5_000);
    scene.tell({ type: 'timer-fired', timer: 'revisit' });
    scene.hear(judgement('in-step', '2'));
    expect(only(scene.grant(), 'write-credential')).toMatchObject([{ access: print('2'), expiresAt: right }]);
  });
});
