import { createScene, facts, type Scene, start, store } from '@authmesh/agent/core/agent-scene';
import type { StateDirectory } from '@authmesh/agent/io/state-directory';
import { statusOf } from '@authmesh/agent/io/status-view';
import type { AccountId, ProfileId } from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import { diagnose } from './diagnosis.ts';
import { drawStatus } from './status-table.ts';

const stateDir = '/home/claw/.openclaw';
const ready: StateDirectory = {
  stateDir,
  generation: 'json',
  gatewaySees: 'all',
  agents: [{ id: 'main', store, isPresent: true }],
  foreign: [],
};
const unknown: StateDirectory = {
  stateDir,
  generation: 'none',
  gatewaySees: 'all',
  agents: [{ id: 'main', store, isPresent: false }],
  foreign: [],
  noCreation: `${stateDir} has no login yet and does not say its OpenClaw's version: log in there once with OpenClaw itself`,
};

function lacking(...logins: string[]): Scene {
  const scene = createScene();
  scene.connect();
  for (const login of logins)
    scene.announce(
      facts('2', 3, { account: `oauth:${login}/acct` as AccountId, profile: `${login}:default` as ProfileId }),
    );
  return scene;
}

/** What `status` and `doctor` say of it. */
function told(scene: Scene, directory: StateDirectory) {
  const status = statusOf(scene.state(), start, [directory]);
  const findings = diagnose({ status, isRunning: true, coordinatorProblem: undefined, stateDirs: [stateDir] }, start);
  const mends = findings.filter(({ found }) => found.includes('this host has not')).map(({ mend }) => mend);
  const all = JSON.stringify(findings);
  return { drawn: drawStatus(status, start, (_, text) => text), mends, all };
}

describe('logins of the fleet that a host lacks', () => {
  it('are offered where they can be put', () => {
    const { drawn, mends } = told(lacking('xai', 'google'), ready);
    expect(drawn).toContain(
      'This host lacks xai:default, google:default: `authmesh-agent adopt --all` puts them here.',
    );
    expect(mends).toEqual(['`authmesh-agent adopt --all` puts them here']);
  });

  it('are not where OpenClaw’s kind of store is not known yet: what has to be done first is said', () => {
    const { drawn, mends, all } = told(lacking('xai'), unknown);
    expect(drawn).toContain(`This host lacks xai:default, which cannot be adopted: ${unknown.noCreation}.`);
    expect(mends).toEqual([unknown.noCreation]);
    expect(drawn + all).not.toContain('authmesh-agent adopt');
  });

  it('are named one by one where another stands in the way of some', () => {
    const scene = lacking('xai', 'google');
    scene.tell({
      type: 'store-observed',
      store,
      seen: {
        state: 'readable',
        profiles: [
          {
            profile: 'google:default' as ProfileId,
            account: 'oauth:google/somebody-else' as AccountId,
            identity: 'account',
            kind: 'oauth',
            health: 'sound',
            access: '7'.repeat(32) as never,
            expiresAt: null,
          },
        ],
      },
    });
    const { mends } = told(scene, ready);
    expect(mends).toEqual([
      '`authmesh-agent adopt xai:default` puts them here',
      `another login stands under google:default in ${store}`,
    ]);
  });

  it('are not said to be lacking where the configuration leaves them out', () => {
    const scene = createScene({ profiles: { allow: ['*'], deny: ['xai*'] } });
    scene.connect();
    scene.announce(facts('2', 3));
    expect(statusOf(scene.state(), start, [ready]).lacks).toEqual([]);
  });
});
