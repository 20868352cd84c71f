import type { CustodySetting } from '@authmesh/shared/core/custody';
import type { AccountId, Fingerprint, FleetId, NodeId, ProfileId } from '@authmesh/shared/core/identifiers';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import { describe, expect, it } from 'vitest';
import { formFor } from './coverage.ts';
import { createAgentState } from './initial-state.ts';

const self = 'a'.repeat(32) as NodeId;
const other = 'b'.repeat(32) as NodeId;
const profile = 'xai:default' as ProfileId;

function formOf(custody: CustodySetting, facts: Partial<AnnouncementFacts>, refreshing: readonly string[] = []) {
  const config = {
    coordinators: [],
    profiles: { allow: ['*'], deny: [] },
    create: [],
    apiKeys: false,
    custody,
    refreshes: new Map(refreshing.map(name => [name, { rotates: true }])),
  };
  const state = createAgentState({
    node: self,
    name: 'pc-a',
    fleet: other as string as FleetId,
    config,
    memory: [],
    run: 'run',
  });
  const announced: AnnouncementFacts = {
    account: 'oauth:xai/acct_1' as AccountId,
    kind: 'oauth',
    profile,
    position: { epoch: 1, revision: 1 },
    generation: 1,
    access: '1'.repeat(32) as Fingerprint,
    refresh: '2'.repeat(32) as Fingerprint,
    expiresAt: null,
    origin: other,
    home: other,
    restored: false,
    ...facts,
  };
  return formFor(state, announced, profile);
}

describe(formFor, () => {
  it('gives the refresh token to the home alone, or to all under `copy`', () => {
    expect(formOf('auto', {})).toBe('bearer');
    expect(formOf('auto', { home: self })).toBe('full');
    expect(formOf('copy', {})).toBe('full');
  });

  it('gives it to nobody out of a vault, unless this host cannot refresh it', () => {
    for (const custody of ['vault', 'auto'] as const) {
      expect(formOf(custody, { home: self }, ['xai'])).toBe('bearer');
      expect(formOf(custody, { home: self }, ['openai'])).toBe('full');
      expect(formOf(custody, {}, ['openai'])).toBe('bearer');
    }
  });

  it('leaves no refresh token beside a restored login that comes without its own', () => {
    for (const custody of ['auto', 'copy'] as const) {
      expect(formOf(custody, { home: self, restored: true, refresh: undefined })).toBe('bearer');
    }
    expect(formOf('auto', { home: self, restored: true })).toBe('full');
    // A refresh that was answered without a new refresh token: the one that is there goes on.
    expect(formOf('auto', { home: self, origin: self, refresh: undefined })).toBe('full');
    // From a host that never had one, after the coordinator was put back: the one that is there may be used up (I10).
    expect(formOf('auto', { home: self, refresh: undefined })).toBe('bearer');
  });
});
