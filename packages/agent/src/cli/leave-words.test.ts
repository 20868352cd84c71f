import type { LeavePlan, LoginPlan } from '@authmesh/agent/core/leave/plan';
import type { AccountId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import { agreementOn, refusal } from './leave.ts';
import { leaveSentences, stopSentences } from './leave-words.ts';

const login = (fate: LoginPlan['fate'], more: Partial<LoginPlan> = {}): LoginPlan => ({
  account: 'oauth:acme/acct_1' as AccountId,
  profile: 'acme:default' as ProfileId,
  fate,
  store: fate === 'restored' ? ('/store.json' as StoreId) : undefined,
  endsAt: Date.UTC(2026, 0, 1),
  isVaulted: true,
  ...more,
});
const plan = (more: Partial<LeavePlan>): LeavePlan => ({
  isMember: true,
  isLast: false,
  othersOnline: 1,
  logins: [],
  ...more,
});

describe('what is said before a host leaves', () => {
  it.each<[string, Partial<LeavePlan>, RegExp[]]>([
    ['of nothing', {}, []],
    [
      'of the last host',
      { isLast: true, logins: [login('restored')] },
      [/the last one/, /goes back into \/store.json/],
    ],
    ['of a login that lives on', { logins: [login('ends')] }, [/ends on this host at 2026-01-01T.*lives on/]],
    ['where nobody is there', { othersOnline: 0, logins: [login('ends')] }, [/No other host/, /lives on/]],
    ['of a login that it takes along', { logins: [login('stays')] }, [/other hosts it ends.*home acme:default NODE/]],
    ['of a login without an end', { logins: [login('ends', { endsAt: null })] }, [/when the provider ends it/]],
    [
      'by a host that is no member',
      { isMember: false, logins: [login('stays')] },
      [/does not know/, /goes on refreshing it\.$/],
    ],
    ['of a loss', { isLast: true, logins: [login('lost', { why: 'so it is' })] }, [/last/, /would be lost: so it is/]],
  ])('%s', (_what, more, sentences) => {
    expect(leaveSentences(plan(more))).toEqual(sentences.map(sentence => expect.stringMatching(sentence)));
  });

  it('agrees to each login’s fate', () => {
    expect(agreementOn(plan({ isLast: true, logins: [login('restored')] }))).toEqual({
      isLast: true,
      logins: [{ account: 'oauth:acme/acct_1', fate: 'restored' }],
    });
  });
});

describe('what is said before the service goes', () => {
  it.each<[LoginPlan['fate'], RegExp]>([
    ['restored', /nobody else refreshes it/],
    ['ends', /nobody delivers a newer one/],
    ['lost', /sleeps until one runs again: so it is/],
    ['stays', /other hosts do not hear/],
  ])('of a login that is %s', (fate, sentence) => {
    expect(stopSentences(plan({ logins: [login(fate, { why: 'so it is' })] }))).toEqual([
      expect.stringMatching(sentence),
    ]);
  });
});

describe('a refusal', () => {
  it.each([
    ['away', 69],
    ['changed', 75],
    ['busy', 75],
    ['failed', 1],
  ] as const)('for which the host is %s ends with %i', (code, exitCode) => {
    expect(refusal({ phase: 'refused', code, why: 'so it is' }, 'nothing was done')).toMatchObject({ exitCode });
  });
});
