import { hour, minute, second } from '@authmesh/shared/core/time';
import type { AccountView, AnswerBody } from '@authmesh/shared/protocol/answer';
import type { RefreshView } from '@authmesh/shared/protocol/lease';
import { describe, expect, it } from 'vitest';
import {
  account,
  createScene,
  facts,
  holds,
  judgement,
  only,
  other,
  print,
  profile,
  refreshesXai,
  type Scene,
  seen,
  self,
  sent,
  start,
  store,
} from '../agent-scene.ts';
import type { AgentEffect } from '../effect.ts';
import type { SeenProfile } from '../event.ts';
import type { LeaveResult, PlanResult } from './leaving.ts';
import type { LoginPlan } from './plan.ts';

const endsAt = start + hour;
const pair = facts('1', 1, { refresh: print('a'), expiresAt: endsAt, home: self, origin: self });
const bearer = seen('1', { expiresAt: endsAt });
const full = seen('1', { refresh: print('a'), expiresAt: endsAt });

/** A host whose login is under custody `vault`, connected. */
function createHost(found: readonly SeenProfile[] = [bearer], custody: 'vault' | 'home' | 'copy' = 'vault'): Scene {
  const scene = createScene({ custody, refreshes: refreshesXai });
  scene.tell(holds(...found));
  scene.connect();
  scene.hear({ type: 'synced' });
  scene.announce(pair);
  scene.hear(judgement('in-step', '1'));
  return scene;
}

const asked = (scene: Scene, control: Parameters<Scene['tell']>[0] & object) => scene.tell(control);
const replies = (effects: readonly AgentEffect[]) => only(effects, 'reply').map(({ reply }) => reply);

/** The coordinator answers the last question with a fleet of these nodes. */
function tellFleet(scene: Scene, nodes: readonly string[], view: Partial<AccountView> = {}): readonly AgentEffect[] {
  const roster = nodes.map(id => ({
    id,
    name: id.slice(0, 4),
    online: true,
    lastSeen: null,
    joinedAt: 0,
    invitedBy: null,
    version: '1',
  }));
  const one = {
    account,
    kind: 'oauth',
    profile,
    position: pair.position,
    access: print('1'),
    expiresAt: endsAt,
    origin: self,
    home: self,
    copies: [],
    ...view,
  };
  const body = {
    type: 'overview',
    nodes: roster,
    accounts: [one],
    pools: [],
    at: start,
    last: true,
  } as unknown as AnswerBody;
  return scene.hear({ type: 'answer', request: scene.state().nextRequest - 1, body });
}

function planOf(scene: Scene, nodes: readonly string[], view: Partial<AccountView> = {}) {
  asked(scene, { type: 'asked', request: 1, control: { op: 'leave-plan' } });
  const [reply] = replies(tellFleet(scene, nodes, view));
  const { result } = reply as unknown as { result: PlanResult };
  if (!('plan' in result)) throw new Error(result.away);
  return result.plan;
}

const halted = (state: RefreshView['state']): Partial<AccountView> => ({
  refresh: { state, node: 'pc-a', since: start, why: 'so it is' },
});

describe('a plan to leave', () => {
  const restored = { fate: 'restored', store, profile, endsAt } as const;
  it.each<[string, Scene, readonly string[], Partial<AccountView>, Partial<LoginPlan>[]]>([
    ['puts a pair back where nobody is left to refresh it', createHost(), [self], {}, [restored]],
    ['leaves it to the hosts that remain', createHost(), [self, other], {}, [{ fate: 'ends', isVaulted: true }]],
    ['changes nothing where a store has it and nobody is left', createHost([full]), [self], {}, []],
    ['says of a pair in a store that the others lose it', createHost([full]), [self, other], {}, [{ fate: 'stays' }]],
    ['says nothing of a pair that others have as well', createHost([full], 'copy'), [self, other], {}, []],
    ['does not put back what may be used up', createHost(), [self], halted('in-doubt'), [{ fate: 'lost' }]],
    ['has nothing to lose where a sign-in is needed anyway', createHost(), [self], halted('needs-login'), []],
    ['says of a login that no store has that it is lost', createHost([]), [self], {}, [{ fate: 'lost' }]],
  ])('%s', (_what, scene, nodes, view, logins) => {
    expect(planOf(scene, nodes, view).logins).toMatchObject(logins);
  });

  it('does not put back what an OpenClaw of this host may have used up', () => {
    const scene = createHost([full]);
    scene.tell(holds(seen('1', { access: undefined, health: 'fence-failed', spends: print('a') })));
    const [login] = planOf(scene, [self]).logins;
    expect(login).toMatchObject({ fate: 'lost', why: expect.stringMatching(/OpenClaw failed/) });
  });

  it('chooses the main agent’s store among those that have the login', () => {
    const scene = createHost();
    const main = '/home/claw/main.json' as typeof store;
    const layout = new Map([store, main].map(of => [of, { sessions: 1, fallback: main }] as const));
    scene.tell({ type: 'configured', config: { ...scene.state().config, layout } });
    scene.tell({ type: 'store-observed', store: main, seen: { state: 'readable', profiles: [bearer] } });
    expect(planOf(scene, [self]).logins).toMatchObject([{ store: main }]);
  });

  it('is that of no member where the coordinator does not know the host', () => {
    const scene = createHost();
    scene.tell({ type: 'link-closed', reason: 'unknownNode', message: 'no member' });
    expect(replies(asked(scene, { type: 'asked', request: 1, control: { op: 'leave-plan' } }))).toEqual([]);
    const effects = scene.tell({ type: 'link-closed', reason: 'unknownNode', message: 'no member' });
    const plan = { isMember: false, isLast: false, logins: [{ fate: 'ends' }] };
    expect(replies(effects)).toMatchObject([{ op: 'leave-plan', result: { plan } }]);
  });

  it('cannot be made without the coordinator', () => {
    const scene = createHost();
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'it is gone' });
    asked(scene, { type: 'asked', request: 1, control: { op: 'leave-plan' } });
    const effects = scene.tell({ type: 'link-closed', reason: 'unreachable', message: 'nobody is there' });
    expect(replies(effects)).toEqual([{ op: 'leave-plan', result: { away: 'nobody is there' } }]);
  });
});

describe('leaving', () => {
  const leave = (scene: Scene, ends: 'membership' | 'work', isLast: boolean, fate?: LoginPlan['fate']) => {
    const agreed = { isLast, logins: fate ? [{ account, fate }] : [] };
    return asked(scene, { type: 'asked', request: 2, control: { op: 'leave', ends, agreed } });
  };
  const resultOf = (effects: readonly AgentEffect[]) => {
    const [reply] = replies(effects);
    return reply && 'result' in reply ? (reply.result as LeaveResult) : undefined;
  };
  const written = (scene: Scene) =>
    scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'written', seen: full } });
  const answer = (scene: Scene, body: AnswerBody) =>
    scene.hear({ type: 'answer', request: scene.state().nextRequest - 1, body });

  it('keeps the token from others, puts it back, and only then ends the membership', () => {
    const scene = createHost();
    leave(scene, 'membership', true, 'restored');
    const told = tellFleet(scene, [self]);
    expect(sent(told)).toMatchObject([
      { type: 'inventory', withheld: [print('a')], refreshes: [] },
      { type: 'acknowledge' },
      { type: 'ask' },
    ]);
    const [write, ...others] = only(tellFleet(scene, [self]), 'write-credential');
    expect([write, others]).toMatchObject([
      { store, form: 'full', refresh: print('a'), expected: { access: print('1') } },
      [],
    ]);
    written(scene);
    // Its own rules would take it away again.
    expect(only(scene.hear(judgement('in-step', '1', { vaulted: true })), 'write-credential')).toEqual([]);
    expect(sent(tellFleet(scene, [self]))).toMatchObject([
      { type: 'ask', question: { type: 'leave', keeps: [print('a')] } },
    ]);
    const effects = answer(scene, { type: 'left', remaining: 0 });
    expect(resultOf(effects)).toEqual({ phase: 'left', restored: [{ account, profile, store }], remaining: 0 });
    scene.tell({ type: 'link-closed', reason: 'unknownNode', message: 'no member' });
    expect(scene.state().link.phase).toBe('offline');
  });

  it('puts nothing back where others remain, and takes no lease meanwhile', () => {
    const scene = createHost();
    leave(scene, 'membership', false);
    const lease = {
      type: 'lease',
      account,
      epoch: 1,
      access: print('1'),
      refresh: print('a'),
      leaseMs: minute,
      generation: 2,
      guarded: false,
    } as const;
    expect(sent(scene.hear(lease))).toMatchObject([{ type: 'miss', miss: 'unused' }]);
    const effects = tellFleet(scene, [self, other]);
    expect(only(effects, 'write-credential')).toEqual([]);
    expect(sent(effects)).toMatchObject([{ question: { type: 'leave', keeps: [] } }]);
  });

  it.each<[string, Scene, readonly string[], boolean]>([
    ['another host has joined', createHost(), [self, other], true],
    ['the others are gone', createHost(), [self], false],
    ['a login is in a store by now', createHost([full]), [self, other], false],
  ])('is broken off where %s since it was agreed to', (_what, scene, nodes, isLast) => {
    leave(scene, 'membership', isLast, isLast ? 'restored' : undefined);
    expect(resultOf(tellFleet(scene, nodes))).toMatchObject({ phase: 'refused', code: 'changed' });
    expect(scene.state().leaving).toBeUndefined();
  });

  it('waits for the end of a refresh, for a minute', () => {
    const scene = createHost();
    leave(scene, 'membership', true, 'restored');
    expect(sent(tellFleet(scene, [self], halted('refreshing')))).toEqual([]);
    scene.pass(second);
    expect(sent(scene.tell({ type: 'timer-fired', timer: 'leave' }))).toMatchObject([
      { question: { type: 'overview' } },
    ]);
    tellFleet(scene, [self], halted('refreshing'));
    scene.pass(minute);
    const effects = scene.tell({ type: 'timer-fired', timer: 'leave' });
    expect(resultOf(effects)).toMatchObject({
      phase: 'refused',
      code: 'busy',
      why: expect.stringMatching(/refreshed/),
    });
  });

  it('is broken off by a store that cannot be written: the rules of a member hold again', () => {
    const scene = createHost();
    leave(scene, 'membership', true, 'restored');
    tellFleet(scene, [self]);
    tellFleet(scene, [self]);
    const outcome = { result: 'failed', reason: 'the disk is full' } as const;
    const effects = scene.tell({ type: 'write-settled', store, profile, outcome });
    expect(resultOf(effects)).toMatchObject({ phase: 'refused', code: 'failed', why: `${store}: the disk is full` });
    expect(sent(effects)).toMatchObject([
      { type: 'acknowledge' },
      { type: 'inventory', refreshes: ['xai'], withheld: undefined },
      {},
    ]);
  });

  it('tries a store again that is in use', () => {
    const scene = createHost();
    leave(scene, 'membership', true, 'restored');
    tellFleet(scene, [self]);
    tellFleet(scene, [self]);
    scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'locked', reason: 'it is in use' } });
    expect(only(tellFleet(scene, [self]), 'write-credential')).toHaveLength(1);
  });

  it('asks again where the coordinator is busy, and after a link that broke', () => {
    const scene = createHost([full]);
    leave(scene, 'membership', true);
    tellFleet(scene, [self]);
    answer(scene, { type: 'problem', code: 'ERR_BUSY', message: 'try again' });
    scene.tell({ type: 'timer-fired', timer: 'leave' });
    expect(sent(tellFleet(scene, [self]))).toMatchObject([{ question: { type: 'leave' } }]);
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'it broke' });
    scene.tell({ type: 'timer-fired', timer: 'dial' });
    scene.connect();
    scene.hear({ type: 'synced' });
    expect(sent(scene.tell({ type: 'timer-fired', timer: 'leave' }))).toMatchObject([{ question: { type: 'leave' } }]);
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'it broke' });
    const effects = scene.tell({ type: 'link-closed', reason: 'unknownNode', message: 'no member' });
    expect(resultOf(effects)).toMatchObject({ phase: 'left', remaining: null });
  });

  it('before a stop puts back what nobody else can refresh, and leaves it alone until the stop', () => {
    const scene = createHost();
    leave(scene, 'work', true, 'restored');
    tellFleet(scene, [self]);
    tellFleet(scene, [self]);
    written(scene);
    expect(resultOf(tellFleet(scene, [self]))).toEqual({ phase: 'restored', restored: [{ account, profile, store }] });
    expect(only(scene.hear(judgement('in-step', '1', { vaulted: true })), 'write-credential')).toEqual([]);
    // Nobody has stopped it: the fleet refreshes again.
    scene.pass(3 * minute);
    const effects = scene.tell({ type: 'timer-fired', timer: 'leave' });
    expect(sent(effects)).toMatchObject([{ type: 'inventory', refreshes: ['xai'] }, {}]);
    expect(only(scene.hear(judgement('in-step', '1', { vaulted: true })), 'write-credential')).toMatchObject([
      { form: 'bearer' },
    ]);
  });
});
