import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import type { Credential } from '@authmesh/shared/protocol/credential';
import { describe, expect, it } from 'vitest';
import { CredentialVault } from './credential-vault.ts';

const print = (n: number): Fingerprint => n.toString(16).padStart(32, '0') as Fingerprint;
const login = (): Credential => ({
  kind: 'oauth',
  provider: 'openai',
  access: randomBytes(16).toString('hex'),
  expiresAt: null,
  details: {},
});

describe('the credential vault', () => {
  it('gives back what was put in', () => {
    const vault = new CredentialVault();
    const one = login();
    vault.put(print(1), one);
    expect(vault.get(print(1))).toBe(one);
    expect(vault.has(print(2))).toBe(false);
  });

  it('drops what was not needed longest, and never what is to be kept', () => {
    const vault = new CredentialVault(2);
    vault.keep([print(1)]);
    for (const n of [1, 2, 3]) vault.put(print(n), login());
    expect([1, 2, 3].map(n => vault.has(print(n)))).toEqual([true, false, true]);
    vault.keep([]);
    vault.put(print(4), login());
    expect(vault.size).toBe(2);
  });

  it('takes one more where all that it has is to be kept', () => {
    const vault = new CredentialVault(2);
    for (const n of [1, 2]) vault.put(print(n), login());
    vault.keep([print(1), print(2)]);
    vault.put(print(3), login());
    expect(vault.has(print(3))).toBe(true);
  });

  it('does not lose a refresh token to a bearer copy of the same credential', () => {
    const vault = new CredentialVault();
    const bearer = login();
    vault.put(print(1), { ...bearer, refresh: randomBytes(16).toString('hex') });
    vault.put(print(1), bearer);
    expect(vault.get(print(1))?.refresh).toBeDefined();
  });

  it('shows nothing however it is printed', () => {
    const vault = new CredentialVault();
    const one = login();
    vault.put(print(1), one);
    for (const text of [JSON.stringify({ vault }), inspect(vault, { showHidden: true, depth: 9 }), `${vault}`]) {
      expect(text.includes(one.access)).toBe(false);
    }
  });
});
