import {
  account,
  createDelivery,
  createScene,
  facts,
  holds,
  judgement,
  notes,
  only,
  other,
  print,
  profile,
  refreshesXai,
  type Scene,
  seen,
  self,
  start,
  store,
} from '@authmesh/agent/core/agent-scene';
import { type Status, statusOf } from '@authmesh/agent/io/status-view';
import { hour, minute, second } from '@authmesh/shared/core/time';
import type { AccountView, CopyView } from '@authmesh/shared/protocol/answer';
import { describe, expect, it } from 'vitest';
import { diagnose } from './diagnosis.ts';
import { problemsOf } from './status-problems.ts';

/** As it stands at `at`, the coordinator having answered every beat. */
function statusAt(scene: Scene, at: number): Status {
  const state = scene.state();
  state.lastHeard = at;
  return statusOf(state, at, []);
}

const problems = (scene: Scene, at = start) => problemsOf(statusAt(scene, at), at);
const copyStates = (status: Status) => status.accounts.flatMap(({ copies }) => copies.map(({ state }) => state));
const settle = (scene: Scene) => scene.tell({ type: 'timer-fired', timer: 'revisit' });

/** What the doctor has to say of the logins. */
function findings(scene: Scene, at = start) {
  const status = statusAt(scene, at);
  return diagnose({ status, isRunning: true, coordinatorProblem: undefined, stateDirs: [] }, at).filter(
    ({ name }) => name === 'login',
  );
}

/** The coordinator tells what other hosts have of the login. */
function tellOverview(scene: Scene, copies: CopyView[], refresh?: AccountView['refresh']) {
  scene.tell({ type: 'asked', request: 1, control: { op: 'status' } });
  const { kind, position, access, expiresAt, origin, home } = facts('2', 3, { expiresAt: start + hour });
  const view = { account, kind, profile, position, access, expiresAt, origin, home, copies, refresh };
  const request = scene.state().nextRequest - 1;
  scene.hear({
    type: 'answer',
    request,
    body: { type: 'overview', at: start, last: true, nodes: [], accounts: [view], pools: [], drift: [] },
  });
}

describe('a coordinator that is frozen', () => {
  it('is away, though its socket is open', () => {
    const scene = createDelivery('2', facts('2', 3));
    scene.hear(judgement('in-step', '2'));
    const at = start + 2 * minute;
    const frozen = statusOf(scene.state(), at, []);
    expect(frozen.coordinator.connected).toBe(false);
    expect(problemsOf(frozen, at)).toMatchObject([expect.stringContaining('has been away for 120 s')]);
  });
});

describe('a host with the fleet’s login is healthy', () => {
  it('and stays so', () => {
    const scene = createDelivery('2', facts('2', 3));
    scene.hear(judgement('in-step', '2'));
    scene.pass(hour);
    settle(scene);
    expect(problems(scene, start + hour)).toEqual([]);
  });
});

describe('a login that has ended is a problem', () => {
  const dead = facts('2', 3, { expiresAt: start - second });

  it('where the one beside it has ended too', () => {
    const scene = createDelivery('1', dead, { expiresAt: start - 2 * second });
    scene.hear(judgement('parallel', '1'));
    expect(problems(scene)).toEqual(['xai/acct_1 is expired']);
  });

  it('where OpenClaw is refreshing it', () => {
    const scene = createDelivery('1', dead, { access: undefined, health: 'fence-pending' });
    scene.hear(judgement('waits'));
    expect(problems(scene)).toEqual(['xai/acct_1 is expired']);
  });

  it('where a refresh of it has failed', () => {
    const scene = createDelivery('1', dead, { access: undefined, health: 'fence-failed', trouble: 'it failed' });
    scene.hear(judgement('unfit'));
    expect(problems(scene)).toContain('xai/acct_1 is in-doubt');
    expect(findings(scene).map(({ found }) => found)).toContain(
      'xai/acct_1 has ended everywhere: a refresh of it has failed',
    );
  });

  it('where it ended beside a fleet’s login that does not come', () => {
    const scene = createDelivery('1', facts('2', 3), { expiresAt: start + second });
    scene.hear(judgement('parallel', '1'));
    expect(problems(scene)).toEqual([]);
    scene.pass(2 * second);
    settle(scene);
    scene.hear(judgement('parallel', '1'));
    const at = start + 2 * minute;
    expect(copyStates(statusAt(scene, at))).toEqual(['stale']);
    expect(problems(scene, at)).toMatchObject([expect.stringContaining('has been stale for 118 s: it has ended')]);
  });
});

describe('a login that the fleet refreshes', () => {
  const current = facts('2', 3, { refresh: print('b'), expiresAt: start + hour });

  function createVaulted(custody: 'vault' | 'home') {
    const scene = createScene({ custody, refreshes: refreshesXai });
    scene.tell(holds(seen('2', { expiresAt: start + hour })));
    scene.connect();
    scene.announce(current);
    return scene;
  }

  it('that an OpenClaw may have spent works as ever until it ends: that is no problem of status', () => {
    const scene = createVaulted('vault');
    const why = 'a refresh by OpenClaw on pc-a failed, and may have spent it';
    tellOverview(scene, [], { state: 'in-doubt', by: 'openclaw', node: 'pc-a', since: start, why });
    expect(problems(scene)).toEqual([]);
  });

  it.each([
    ['for a moment is nothing to know of', { since: start - minute, failures: 2 }, 0],
    ['for minutes', { since: start - 5 * minute, failures: 4 }, 1],
    ['for as long by its host’s own choice is nothing either', { since: start - 5 * minute }, 0],
  ])('whose refresh is put off %s', (_, more, count) => {
    const scene = createVaulted('vault');
    const why = 'id.acme.example answered 401 invalid_client';
    tellOverview(scene, [], { state: 'postponed', node: 'pc-a', why, ...more });
    const told = problems(scene);
    expect([told.length, findings(scene).length]).toEqual([count, count]);
    for (const problem of told) expect(problem).toMatch(/invalid_client.*`providers.xai` in the agent.json of pc-a/);
  });

  it('is renewed though no store holds its refresh token, where it is in a vault', () => {
    for (const [custody, count] of [
      ['vault', 0],
      ['home', 1],
    ] as const) {
      const scene = createVaulted(custody);
      tellOverview(scene, []);
      const found = findings(scene).filter(({ found }) => found.includes('nothing renews it'));
      expect(found).toHaveLength(count);
    }
  });

  it.each([
    ['needs-login', /sign in again on .*authmesh-agent login/],
    ['in-doubt', /works until it ends/],
  ] as const)('is a finding with its mend where it is %s', (state, mend) => {
    const scene = createVaulted('vault');
    tellOverview(scene, [], { state, node: 'pc-a' as never, since: start, why: 'the provider said invalid_grant' });
    expect(findings(scene)).toMatchObject([
      {
        state: 'problem',
        found: expect.stringContaining(`is ${state}: the provider said`),
        mend: expect.stringMatching(mend),
      },
    ]);
  });
});

describe('a newer login that this host refused is a problem', () => {
  it('until a good one comes', () => {
    const scene = createDelivery('2', facts('2', 3));
    expect(notes(scene.announce(facts('5', 4, { generation: 2 })))).toContain('announcement-refused');
    const found =
      'a newer login of xai/acct_1 was announced and refused here: its generation is older than one already applied';
    expect(problems(scene)).toEqual([found]);
    expect(findings(scene)).toMatchObject([{ state: 'problem', found }]);
    scene.announce(facts('2', 5));
    expect(problems(scene)).toEqual([]);
  });

  it('until the coordinator has no newer one any more', () => {
    const scene = createDelivery('2', facts('2', 3));
    scene.announce(facts('5', 4), 'its signature is not of its origin');
    expect(problems(scene)).toHaveLength(1);
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    expect(problems(scene)).toHaveLength(1);
    scene.connect();
    expect(problems(scene)).toEqual([]);
  });
});

describe('a refresh token that cannot be taken off a second host is a problem', () => {
  function createStuck() {
    const scene = createDelivery('2', facts('2', 3, { refresh: print('9') }), { refresh: print('9') });
    expect(only(scene.hear(judgement('in-step', '2', { held: true })), 'write-credential')).toHaveLength(1);
    const outcome = { result: 'failed', reason: 'the folder is read-only' } as const;
    scene.tell({ type: 'write-settled', store, profile, outcome });
    return scene;
  }

  it('though the login is the current one', () => {
    const scene = createStuck();
    expect(copyStates(statusAt(scene, start))).toEqual(['error']);
    expect(problems(scene)).toEqual([`${profile} in ${store}: the folder is read-only`]);
  });

  it('until somebody else takes it off', () => {
    const scene = createStuck();
    scene.tell(holds(seen('2')));
    expect(copyStates(statusAt(scene, start))).toEqual(['current']);
    expect(problems(scene)).toEqual([]);
  });
});

describe('a copy that waits for long is a problem', () => {
  it('when nobody judges it', () => {
    const scene = createScene();
    scene.connect();
    scene.tell(holds(seen('1', { refresh: print('9') })));
    for (let waited = 0; waited < hour; waited += 6 * second) {
      scene.pass(6 * second);
      settle(scene);
    }
    expect(problems(scene, start + 50 * second)).toEqual([]);
    expect(problems(scene, start + hour)).toEqual([
      `${profile} in ${store} has been waiting for 3600 s: the coordinator has not judged it yet`,
    ]);
    // While the coordinator is away, that is the problem.
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    expect(problems(scene, start + hour)).not.toContainEqual(expect.stringContaining('has been waiting'));
  });

  it('when the current one does not come', () => {
    const scene = createDelivery('1', facts('2', 3));
    scene.hear(judgement('stale', '1'));
    expect(problems(scene, start + minute)).toEqual([]);
    expect(problems(scene, start + 2 * minute)).toMatchObject([expect.stringContaining('has been stale for 120 s')]);
    scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'written', seen: seen('2') } });
    expect(problems(scene, start + 2 * minute)).toEqual([]);
  });

  it('but not the time that the host slept', () => {
    const scene = createDelivery('1', facts('2', 3));
    scene.hear(judgement('stale', '1'));
    scene.pass(hour);
    scene.tell({ type: 'clock-jumped', byMs: hour });
    expect(problems(scene, start + hour)).toEqual([]);
  });
});

describe('a login that nobody can renew', () => {
  const copy: CopyView = {
    node: other,
    store,
    profile,
    verdict: 'in-step',
    why: 'it is the current login',
    health: 'sound',
    access: print('2'),
    spendable: true,
    seenAt: start,
  };
  const notice = [{ state: 'notice', mend: 'sign in on any host; that makes it the home' }];

  function createBearer() {
    const more = { expiresAt: start + hour };
    const scene = createDelivery('2', facts('2', 3, { refresh: print('9'), ...more }), more);
    scene.hear(judgement('in-step', '2'));
    return scene;
  }

  it('is told of: no host has its refresh token', () => {
    const scene = createBearer();
    expect(findings(scene)).toEqual([]);
    tellOverview(scene, []);
    expect(findings(scene)).toMatchObject(notice);
    tellOverview(scene, [{ ...copy, spendable: false }]);
    expect(findings(scene)).toMatchObject(notice);
    expect(problems(scene)).toEqual([]);
  });

  it('is not one whose home has it, nor one that this host has', () => {
    const scene = createBearer();
    tellOverview(scene, [copy]);
    expect(findings(scene)).toEqual([]);
    const home = createDelivery('2', facts('2', 3, { home: self, refresh: print('9') }), { refresh: print('9') });
    tellOverview(home, []);
    expect(findings(home)).toEqual([]);
  });
});

describe('a gateway that may not know of what was written', () => {
  const stateDir = '/home/claw/.openclaw';
  const trouble = { reason: 'it waits for an approval', mend: 'run `openclaw devices list`' };
  const withReload = (reload: Status['openclaw'][number]['reload']) => ({
    ...statusAt(createScene(), start),
    openclaw: [{ stateDir, generation: 'sqlite' as const, foreign: [], reload }],
  });

  it('is a problem with what mends it', () => {
    expect(problemsOf(withReload(trouble), start)).toEqual([`${stateDir}: ${trouble.reason}; ${trouble.mend}`]);
    expect(problemsOf(withReload(undefined), start)).toEqual([]);
  });

  it('is none where there is no command to ask with: there may be no gateway either', () => {
    expect(problemsOf(withReload({ ...trouble, isUnasked: true }), start)).toEqual([]);
  });
});
