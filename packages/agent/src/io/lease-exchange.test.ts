import { randomBytes } from 'node:crypto';
import type { LeaseOutcome } from '@authmesh/agent/core/refresh/open-lease';
import type { AccountId, Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { hour, minute } from '@authmesh/shared/core/time';
import type { Credential } from '@authmesh/shared/protocol/credential';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from './agent-journal.ts';
import { createLeaseExchanges, type ExchangeStep } from './lease-exchange.ts';
import type { Lent } from './lent-refresh-tokens.ts';
import type { RecordVault } from './record-vault.ts';

const account = 'oauth:xai/acct_1' as AccountId;
const print = (digit: string) => digit.repeat(32) as Fingerprint;
const credential: Credential = {
  ...{ kind: 'oauth', provider: 'xai', expiresAt: Date.now() + hour, details: {} },
  access: randomBytes(16).toString('hex'),
  refresh: randomBytes(16).toString('hex'),
};
const fault = () => new TypeError(`what it was about: ${credential.refresh}`);

/** One exchange with a provider that nobody answers for; what came of it, and what was done on the way. */
async function exchange(breaks: { readonly at?: ExchangeStep; readonly lending?: boolean; readonly stores?: boolean }) {
  const outcomes: LeaseOutcome[] = [];
  const written: JournalEntry[] = [];
  let isReleased = false;
  const lent: Lent = {
    isHeld: () => true,
    giveBack: async () => {
      if (breaks.stores) throw fault();
    },
    release: () => {
      isReleased = true;
    },
  };
  const provider = { tokenEndpoint: 'http://127.0.0.1:1/token', clientId: 'c', body: 'form', rotates: true } as const;
  const exchanges = createLeaseExchanges({
    vault: { get: () => credential, fingerprint: () => print('a') } as unknown as RecordVault,
    keeper: { writeNow: async entry => void written.push(entry) },
    lent: { lend: async () => (breaks.lending ? Promise.reject(fault()) : lent) },
    providers: () => new Map([['xai', provider]]),
    elapsed: () => 0,
    clockOffsetMs: () => 0,
    onEnded: (_account, _epoch, outcome) => void outcomes.push(outcome),
    at: step => {
      if (step === breaks.at) throw fault();
    },
  });
  exchanges.begin({
    ...{ type: 'exchange', account, epoch: 1, access: print('1'), refresh: print('a'), generation: 2 },
    holders: [{ store: '/store.json' as StoreId, profile: 'xai:default' as ProfileId }],
    before: 10 * minute,
  });
  await exchanges.settled();
  return { outcomes, written, isReleased };
}

describe('a fault of this program’s own in an exchange', () => {
  it('before the intent is on disk ends the lease with nothing used', async () => {
    const { outcomes, written } = await exchange({ lending: true });
    expect(outcomes).toEqual([{ miss: 'unused', why: 'a fault in authmesh itself (TypeError)' }]);
    expect(written).toEqual([]);
    const later = await exchange({ at: 'exchange-lent' });
    expect(later).toMatchObject({ outcomes: [{ miss: 'unused' }], isReleased: true });
  });

  it('after it leaves the login in doubt, for nobody knows what was sent', async () => {
    const { outcomes, isReleased } = await exchange({ at: 'exchange-intended' });
    expect(outcomes).toEqual([{ miss: 'unanswered', why: 'a fault in authmesh itself (TypeError)' }]);
    expect(isReleased).toBe(true);
  });

  it('at the stores changes nothing of what is known', async () => {
    const { outcomes, isReleased } = await exchange({ stores: true });
    expect([outcomes, isReleased]).toMatchObject([[{ miss: 'postponed' }], true]);
  });
});
