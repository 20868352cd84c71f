import {
  createScene,
  facts,
  holds,
  judgement,
  other,
  print,
  type Scene,
  seen,
  self,
  start,
} from '@authmesh/agent/core/agent-scene';
import { statusOf } from '@authmesh/agent/io/status-view';
import type { AccountId } from '@authmesh/shared/core/identifiers';
import { beforeEach, describe, expect, it } from 'vitest';
import { explainNone, loginsOf, signedIn } from './signed-in.ts';

const profile = 'xai:default';
let scene: Scene;

const status = () => {
  const state = scene.state();
  state.lastHeard = start;
  return statusOf(state, start, []);
};

beforeEach(() => {
  scene = createScene();
  scene.tell(holds(seen('1', { refresh: print('a') })));
  scene.connect();
  scene.hear({ type: 'synced' });
  scene.announce(facts('1', 1, { refresh: print('a'), origin: self }));
});

describe(signedIn, () => {
  it('is what this host has given the fleet since', () => {
    const before = loginsOf(status(), profile);
    expect(signedIn(status(), profile, before)).toBeUndefined();
    scene.announce(facts('2', 2, { refresh: print('b'), origin: self }));
    expect(signedIn(status(), profile, before)).toMatchObject({ revision: 2, fingerprint: print('2') });
  });

  it('is no refresh of another host', () => {
    const before = loginsOf(status(), profile);
    scene.announce(facts('2', 2, { refresh: print('b'), origin: other }));
    expect(signedIn(status(), profile, before)).toBeUndefined();
  });

  it('may be another account’s', () => {
    const before = loginsOf(status(), profile);
    const account = 'oauth:xai/acct_2' as AccountId;
    scene.tell(holds(seen('2', { refresh: print('b'), account })));
    scene.announce(facts('2', 1, { refresh: print('b'), origin: self, account }));
    expect(signedIn(status(), profile, before)).toMatchObject({ account: 'xai/acct_2' });
  });

  it('may be the first login of the profile', () => {
    const before = loginsOf({ ...status(), accounts: [] }, profile);
    expect(signedIn(status(), profile, before)).toMatchObject({ revision: 1 });
  });
});

describe(explainNone, () => {
  it('says that nothing was seen where nothing was', () => {
    const error = explainNone(status(), profile, loginsOf(status(), profile));
    expect([error.code, error.message]).toEqual(['ERR_NOT_FOUND', `no new login of ${profile} was seen on this host`]);
  });

  it('says so of what another host has brought, too', () => {
    const before = loginsOf(status(), profile);
    scene.announce(facts('2', 2, { refresh: print('b'), origin: other }));
    scene.tell(holds(seen('2')));
    expect(explainNone(status(), profile, before).code).toBe('ERR_NOT_FOUND');
  });

  it('says what the new login waits for while the coordinator is away', () => {
    const before = loginsOf(status(), profile);
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
    scene.tell(holds(seen('2', { refresh: print('b') })));
    const error = explainNone(status(), profile, before);
    expect([error.code, error.message]).toEqual([
      'ERR_COORDINATOR_UNREACHABLE',
      `the new login of ${profile} is on this host and not the fleet’s yet: the coordinator is away`,
    ]);
  });

  it('says why the coordinator does not take it', () => {
    const before = loginsOf(status(), profile);
    scene.tell(holds(seen('2', { refresh: print('b') })));
    scene.hear(judgement('parallel', '2'));
    const error = explainNone(status(), profile, before);
    expect([error.code, error.message]).toEqual([
      'ERR_REFUSED',
      `the new login of ${profile} is on this host and not the fleet’s: so it is`,
    ]);
  });
});
