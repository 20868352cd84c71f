import { describe, expect, it } from 'vitest';
import { readUse } from './profile-use.ts';

const at = 1_795_000_000_000;

describe(readUse, () => {
  it.each([
    ['a turn that went well', { lastUsed: at, errorCount: 0 }, { usedAt: at }],
    [
      'a rate limit beside authmesh’s own mark, which says nothing of it',
      {
        failureCounts: { rate_limit: 1 },
        lastFailureAt: at,
        cooldownUntil: at + 60_000,
        disabledUntil: at + 300_000,
        disabledReason: 'authmesh-hold',
      },
      { failedAt: at, failure: 'rate-limit', pausedUntil: at + 60_000 },
    ],
    [
      'a cooldown for a rate limit (2026.2.12)',
      { errorCount: 1, failureCounts: { rate_limit: 1 }, lastFailureAt: at, cooldownUntil: at + 60_000 },
      { failedAt: at, failure: 'rate-limit', pausedUntil: at + 60_000 },
    ],
    [
      'a cooldown with its reason (2026.9.6)',
      {
        cooldownReason: 'auth',
        failureCounts: { rate_limit: 3, auth: 1 },
        lastFailureAt: at,
        cooldownUntil: at + 30_000,
      },
      { failedAt: at, failure: 'auth', pausedUntil: at + 30_000 },
    ],
    [
      'a quota that is used up',
      { disabledUntil: at + 18_000_000, disabledReason: 'billing', lastFailureAt: at },
      { failedAt: at, failure: 'quota', pausedUntil: at + 18_000_000 },
    ],
    [
      'a subscription’s limit',
      { blockedUntil: at + 1, blockedReason: 'subscription_limit', lastFailureAt: at },
      { failedAt: at, failure: 'quota', pausedUntil: at + 1 },
    ],
    [
      'a failure that says no more (one profile, 2026.2.12)',
      { lastUsed: at, lastFailureAt: at },
      { usedAt: at, failedAt: at, failure: 'other' },
    ],
    [
      'counts of several kinds',
      { failureCounts: { auth: 1, rate_limit: 1 }, lastFailureAt: at },
      { failedAt: at, failure: 'other' },
    ],
  ])('%s', (_, stats, use) => {
    expect(readUse(stats)).toEqual({
      usedAt: undefined,
      failedAt: undefined,
      failure: undefined,
      pausedUntil: undefined,
      ...use,
    });
  });

  it.each([[undefined], [null], ['text'], [{}], [{ lastUsed: 'yesterday' }], [{ lastUsed: -1, cooldownUntil: 0 }]])(
    'says nothing of %j',
    stats => {
      expect(readUse(stats)).toBeUndefined();
    },
  );
});
