import type { AccountId, ProfileId } from '@authmesh/shared/core/identifiers';
import { leaseMs } from '@authmesh/shared/core/lease';
import type { Lease } from '@authmesh/shared/protocol/lease';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  account,
  createScene,
  facts,
  only,
  print,
  profile,
  refreshesXai,
  type Scene,
  seen,
  self,
  store,
} from '../agent-scene.ts';

/*
 * One login under two names in one store (docs/decisions/0039).
 */
const named = { account: 'oauth:xai/xai:work' as AccountId, profile: 'xai:work' as ProfileId };
const lease: Lease = {
  ...{ type: 'lease', account, epoch: 1, access: print('1'), refresh: print('a') },
  ...{ leaseMs, generation: 2, guarded: false },
};

let scene: Scene;

/** What stands under either name, and the coordinator’s word: of the one it knows that it is in use. */
function stands(one: object, other: object) {
  const profiles = [seen('1', one), seen('1', { ...named, identity: 'profile', ...other })];
  const judgement = { store, access: print('1'), verdict: 'in-step', why: 'it is the current login' } as const;
  const judgements = [
    { ...judgement, profile, inUse: true },
    { ...judgement, profile: named.profile },
  ];
  return [
    ...scene.tell({ type: 'store-observed', store, seen: { state: 'readable', profiles } }),
    ...scene.hear({ type: 'judgements', judgements }),
  ];
}

const pair = { refresh: print('a') };

beforeEach(() => {
  scene = createScene({ custody: 'home', refreshes: refreshesXai });
  scene.connect();
  scene.hear({ type: 'synced' });
  for (const name of [{}, named]) scene.announce(facts('1', 1, { ...pair, ...name, home: self }));
});

describe('a refresh token that stands under two names', () => {
  it.each(['while it is used', 'when it may be used up'])('is put back under neither %s', when => {
    stands(pair, pair);
    expect(only(scene.hear(lease), 'exchange')).toMatchObject([{ holders: [{ profile }, { profile: named.profile }] }]);
    if (when === 'when it may be used up')
      scene.tell({ type: 'exchanged', account, epoch: 1, outcome: { miss: 'unanswered', why: 'it was cut' } });
    expect(only(stands({}, {}), 'write-credential')).toEqual([]);
  });

  it('is not used while OpenClaw refreshes under the other name', () => {
    stands(pair, { access: undefined, health: 'fence-pending', spends: print('a') });
    expect(only(scene.hear(lease), 'exchange')).toEqual([]);
  });
});
