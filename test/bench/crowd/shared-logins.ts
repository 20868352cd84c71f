import { createHash, randomBytes } from 'node:crypto';
import type { AccountId, Fingerprint, ProfileId, Sealed, StoreId } from '@authmesh/shared/core/identifiers';
import type { Observation } from '@authmesh/shared/protocol/observation';

/** The logins that every member of a made-up fleet has. The coordinator is blind, so nothing needs to be behind a print. */

/** As long as the sealed record of a login with a JWT: an announcement comes to 1.5 to 2 KB. */
const sealedBytes = 1_050;

export function accountOf(index: number): AccountId {
  return `oauth:openai/acct_${index}` as AccountId;
}

export function profileOf(index: number): ProfileId {
  return `openai-codex:profile-${index}` as ProfileId;
}

/** The fingerprint of an account's access token after so many renewals. */
export function accessOf(index: number, renewals: number): Fingerprint {
  return createHash('sha256').update(`access ${index} ${renewals}`).digest('hex').slice(0, 32) as Fingerprint;
}

export function sealedRecord(): Sealed {
  return randomBytes(sealedBytes).toString('base64') as Sealed;
}

/** A sound copy, as a member reports it. */
export function observationOf(index: number, renewals: number, expiresAt: number): Observation {
  return {
    store: '/home/user/.openclaw/agents/main/agent/auth-profiles.json' as StoreId,
    profile: profileOf(index),
    account: accountOf(index),
    identity: 'account',
    kind: 'oauth',
    health: 'sound',
    access: accessOf(index, renewals),
    expiresAt,
    chain: renewals === 0 ? [] : [{ access: accessOf(index, renewals - 1) }],
  };
}
