import { createScene, start } from '@authmesh/agent/core/agent-scene';
import { type Status, statusOf } from '@authmesh/agent/io/status-view';
import { minute, second } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { diagnoseHost, type Examined } from './host-diagnosis.ts';
import { problemsOf } from './status-problems.ts';

function findings(name: string, more: Partial<Examined> = {}, home?: Status['home']) {
  const scene = createScene();
  scene.connect();
  const status = statusOf(scene.state(), start, [], home);
  const examined = { status, isRunning: true, coordinatorProblem: undefined, stateDirs: [], ...more };
  return diagnoseHost(examined).filter(finding => finding.name === name);
}

describe('a clock', () => {
  it('is told of from 30 s on, and which of the two is ahead', () => {
    expect(findings('clock', { clockOffsetMs: -29 * second })).toEqual([]);
    expect(findings('clock', { clockOffsetMs: 5 * minute })).toMatchObject([
      { state: 'notice', found: 'this host’s clock is 5 min ahead of the coordinator’s' },
    ]);
    expect(findings('clock', { clockOffsetMs: -30 * second })).toMatchObject([
      { found: 'this host’s clock is 30 s behind the coordinator’s', mend: expect.stringContaining('sudo ') },
    ]);
  });
});

describe('a home that takes no writes', () => {
  const path = '/home/claw/.authmesh';
  const found = `the agent’s home ${path} takes no writes: the disk is full (ENOSPC)`;

  it('is a problem, for the doctor and in `status`', () => {
    const home = { path, problem: 'the disk is full (ENOSPC)' };
    expect(findings('home', {}, home)).toMatchObject([{ state: 'problem', found }]);
    expect(problemsOf(statusOf(createScene().state(), start, [], home), start)).toContain(found);
  });

  it('is none where it takes them', () => {
    expect(findings('home', {}, { path })).toEqual([]);
  });
});

describe('an OpenClaw with two agents', () => {
  it('is a problem', () => {
    const others = [{ stateDir: '/home/claw/.openclaw', home: '/home/claw/.authmesh-2', pid: 42 }];
    expect(findings('OpenClaw', { others })).toMatchObject([
      { state: 'problem', found: expect.stringContaining('the home /home/claw/.authmesh-2, as process 42') },
    ]);
  });
});
