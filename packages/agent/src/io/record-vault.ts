import type { OutgoingMessage } from '@authmesh/agent/core/effect';
import type { AccountId, Fingerprint, Sealed } from '@authmesh/shared/core/identifiers';
import { fingerprintSecret } from '@authmesh/shared/crypto/fingerprint';
import { openRecord, sealRecord } from '@authmesh/shared/crypto/sealed-record';
import type { Announcement, AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { Credential } from '@authmesh/shared/protocol/credential';
import type { Publish } from '@authmesh/shared/protocol/up';
import { CredentialVault } from './credential-vault.ts';
import type { Membership, NodeKeys } from './identity.ts';

/** Where fingerprints become secrets again: seals what goes out, opens what comes in, and keeps both by fingerprint. */
export interface RecordVault {
  readonly fingerprint: (secret: string) => Fingerprint;
  readonly put: (access: Fingerprint, credential: Credential) => void;
  readonly get: (access: Fingerprint) => Credential | undefined;
  /** Opens an announced record and holds it against what is announced; a sentence when it is not that. */
  readonly open: (announcement: Announcement) => string | undefined;
  /** Takes up what the journal kept of an account's current credential. */
  readonly restore: (facts: AnnouncementFacts, sealed: Sealed) => string | undefined;
  /** The sealed record of an account's current credential, for the journal. */
  readonly sealedOf: (access: Fingerprint) => Sealed | undefined;
  /** An account has this current credential now: it stays, whatever the bounds. */
  readonly settle: (account: AccountId, access: Fingerprint) => void;
  /** The message with a record of exactly what it reports, in its generation and signed by this node. */
  readonly attach: (message: Omit<Publish, 'sealed'>) => { readonly message: Publish } | { readonly problem: string };
}

const sealedMax = 2_000;

/** The vault of a member. */
export function createRecordVault(keys: NodeKeys, { fleet, secrets }: Membership): RecordVault {
  const credentials = new CredentialVault();
  const sealedByAccess = new Map<Fingerprint, Sealed>();
  const currents = new Map<AccountId, Fingerprint>();

  const fingerprint = (secret: string) => fingerprintSecret(secrets.fingerprintKey, secret);
  const refreshOf = ({ refresh }: Credential) => (refresh === undefined ? undefined : fingerprint(refresh));

  const take = (facts: AnnouncementFacts, sealed: Sealed): string | undefined => {
    const { account, generation } = facts;
    const opened = openRecord(sealed, { fleetKey: secrets.fleetKey, fleet, account, generation });
    if ('problem' in opened) return opened.problem;
    const { credential, origin } = opened.record;
    if (origin !== facts.origin) return 'the record was signed by another node than the one announced';
    if (credential.kind !== facts.kind || fingerprint(credential.access) !== facts.access) {
      return 'the record holds another credential than the one announced';
    }
    if (refreshOf(credential) !== facts.refresh) {
      return 'the record holds another refresh token than the one announced';
    }
    credentials.put(facts.access, credential);
    sealedByAccess.set(facts.access, sealed);
    shrink();
    return undefined;
  };

  /** The oldest records that are no account's current one go first. */
  const shrink = () => {
    if (sealedByAccess.size <= sealedMax) return;
    const kept = new Set(currents.values());
    for (const access of sealedByAccess.keys()) {
      if (sealedByAccess.size <= sealedMax) return;
      if (!kept.has(access)) sealedByAccess.delete(access);
    }
  };

  return {
    fingerprint,
    put: (access, credential) => credentials.put(access, credential),
    get: access => credentials.get(access),
    open: ({ type: _, sealed, ...facts }) => take(facts, sealed),
    restore: (facts, sealed) => take(facts, sealed),
    sealedOf: access => sealedByAccess.get(access),
    settle(account, access) {
      currents.set(account, access);
      credentials.keep(currents.values());
    },
    attach(message) {
      const { observation, generation } = message;
      const { account, access, refresh } = observation;
      if (access === undefined) return { problem: 'the profile holds no credential' };
      const kept = credentials.get(access);
      if (!kept) return { problem: 'the credential is not at hand any more' };
      // A bearer copy vouches for no refresh token: it goes out without one, and the home completes the login.
      const credential = refresh === undefined ? { ...kept, refresh: undefined } : kept;
      if (refreshOf(credential) !== refresh) return { problem: 'its refresh token is not at hand any more' };
      const record = sealRecord({ fleet, account, generation, originKey: keys.signing, credential }, secrets.fleetKey);
      return 'problem' in record ? record : { message: { ...message, sealed: record.sealed } };
    },
  };
}

/** Whether a message needs a record before it can be sent. */
export function isPublish(message: OutgoingMessage): message is Omit<Publish, 'sealed'> {
  return message.type === 'publish';
}
