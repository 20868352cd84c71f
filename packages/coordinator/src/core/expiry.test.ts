import type { InviteId, Sealed } from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import type { CoordinatorEffect } from './effect.ts';
import { eraseExpired } from './expiry.ts';
import { type InviteRecord, inviteKey } from './record.ts';
import { persistSucceeded } from './settlement.ts';
import { createCoordinatorState } from './stored-state.ts';

const id = 'ab'.repeat(16) as InviteId;
const invite = (expiresAt: number | null): InviteRecord => ({
  id,
  publicKey: 'key',
  uses: 1,
  expiresAt,
  createdBy: null,
  createdAt: 0,
  sealed: 'sealed' as Sealed,
  signature: null,
});

function stateWith(expiresAt: number | null) {
  const invites = [{ record: invite(expiresAt), storeRevision: 7 }];
  return createCoordinatorState({
    fleet: undefined,
    nodes: [],
    invites,
    accounts: [],
    policy: { allow: ['*'], deny: [] },
  });
}

describe(eraseExpired, () => {
  it('takes the secrets out of a code that has expired, once', () => {
    const state = stateWith(100);
    const effects: CoordinatorEffect[] = [];
    eraseExpired(state, 100, effects);
    eraseExpired(state, 101, effects);
    const value = { ...invite(100), sealed: null };
    expect(effects).toEqual([{ type: 'compare-and-set', key: inviteKey(id), expected: 7, value }]);
    persistSucceeded(state, { type: 'persist-succeeded', key: inviteKey(id), storeRevision: 8 }, 102, effects);
    eraseExpired(state, 103, effects);
    expect(effects).toHaveLength(1);
    expect(state.invites.get(id)).toMatchObject({ record: { sealed: null }, storeRevision: 8 });
  });

  it.each([[null], [101]])('leaves a code alone that is good until %s', expiresAt => {
    const effects: CoordinatorEffect[] = [];
    eraseExpired(stateWith(expiresAt), 100, effects);
    expect(effects).toEqual([]);
  });
});
