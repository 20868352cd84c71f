import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accountId,
  accountLabel,
  accountProvider,
  type CredentialKind,
  copyKey,
  type ProfileId,
  type StoreId,
} from './identifiers.ts';

const kind = fc.constantFrom<CredentialKind>('oauth', 'token', 'api_key');
const provider = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/).filter(name => name !== 'openai-codex');
const subject = fc.string({ minLength: 1, maxLength: 30 });

describe('an account', () => {
  it('gives back its provider and its label, whatever its subject holds', () => {
    fc.assert(
      fc.property(kind, provider, subject, (of, by, whose) => {
        const account = accountId(of, by, whose);
        expect(accountLabel(account)).toBe(`${by}/${whose}`);
        expect(accountProvider(account)).toBe(by);
      }),
    );
  });

  it('is another one for another kind, provider or subject', () => {
    const parts = fc.tuple(kind, provider, subject);
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(accountId(...a) === accountId(...b)).toBe(a.every((part, index) => part === b[index]));
      }),
    );
  });

  it('is the same one by the old name of its provider', () => {
    expect(accountId('oauth', 'openai-codex', 'acct_1')).toBe(accountId('oauth', 'openai', 'acct_1'));
  });
});

describe(copyKey, () => {
  it('never mixes up store and profile', () => {
    const path = fc.string({ minLength: 1 }).filter(text => !text.includes('\n'));
    const copy = fc.tuple(path, fc.string({ minLength: 1 }));
    fc.assert(
      fc.property(copy, copy, ([storeA, profileA], [storeB, profileB]) => {
        const isSame = storeA === storeB && profileA === profileB;
        const a = copyKey(storeA as StoreId, profileA as ProfileId);
        expect(a === copyKey(storeB as StoreId, profileB as ProfileId)).toBe(isSame);
      }),
    );
  });

  it('gives the same key for the same copy, however many others were named since', () => {
    const name = (number: number) => copyKey(`/store-${number % 100}` as StoreId, `xai:${number}` as ProfileId);
    const first = name(1);
    const keys = new Set(Array.from({ length: 30_000 }, (_, number) => name(number)));
    expect(keys.size).toBe(30_000);
    expect(name(1)).toBe(first);
    expect(first).toBe('/store-1\nxai:1');
  });
});
