import type { AccountId, Fingerprint, Sealed } from '@authmesh/shared/core/identifiers';
import { fingerprintSecret } from '@authmesh/shared/crypto/fingerprint';
import { openRecord, sealRecord } from '@authmesh/shared/crypto/sealed-record';
import { nodeIdOf } from '@authmesh/shared/crypto/signing';
import type { Announcement, AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { Credential } from '@authmesh/shared/protocol/credential';
import type { Renewal } from '@authmesh/shared/protocol/lease';
import type { Publish } from '@authmesh/shared/protocol/up';
import { CredentialVault } from './credential-vault.ts';
import type { Membership, NodeKeys } from './identity.ts';

/** Where fingerprints become secrets again: seals what goes out, opens what comes in, and keeps both by fingerprint. */
export interface RecordVault {
  readonly fingerprint: (secret: string) => Fingerprint;
  readonly put: (access: Fingerprint, credential: Credential) => void;
  readonly get: (access: Fingerprint) => Credential | undefined;
  /** The refresh token among those at hand of which `isIt` holds. */
  readonly findRefresh: (isIt: (refresh: string) => boolean) => Fingerprint | undefined;
  /** Opens an announced record and holds it against what is announced; a sentence when it is not that. */
  readonly open: (announcement: Announcement) => string | undefined;
  /** Takes up what the journal kept of an account's current credential. */
  readonly restore: (facts: AnnouncementFacts, sealed: Sealed) => string | undefined;
  /** The sealed record of an account's current credential, for the journal. */
  readonly sealedOf: (access: Fingerprint) => Sealed | undefined;
  /** Takes up what the journal kept of a login that a lease has brought; a sentence when it is not that. */
  readonly restoreRenewed: (
    account: AccountId,
    outcome: Pick<Renewal, 'renewed' | 'generation'>,
    sealed: Sealed | undefined,
  ) => string | undefined;
  /** An account has this current credential now: it stays, whatever the bounds. */
  readonly settle: (account: AccountId, access: Fingerprint) => void;
  /** The message with a record of exactly what it reports, in its generation and signed by this node. */
  readonly attach: (message: Omit<Publish, 'sealed'>) => { readonly message: Publish } | { readonly problem: string };
  /** The sealed record of a login that is at hand. */
  readonly seal: (login: SealedLogin) => { readonly sealed: Sealed } | { readonly problem: string };
}

/** Which login is sealed: its fingerprints, and in which generation of which account. */
export type SealedLogin = Pick<AnnouncementFacts, 'account' | 'generation' | 'access' | 'refresh'>;

const sealedMax = 2_000;
/** Records of this node's own whose announcements are waited for. */
const sentMax = 100;

/** A record that this node sealed, and what is announced of it if it is accepted as it is. */
interface Sent {
  readonly facts: Pick<AnnouncementFacts, 'account' | 'generation' | 'kind' | 'access' | 'refresh' | 'origin'>;
  readonly credential: Credential;
}

/** The vault of a member. */
export function createRecordVault(keys: NodeKeys, { fleet, secrets }: Membership): RecordVault {
  const credentials = new CredentialVault();
  const sealedByAccess = new Map<Fingerprint, Sealed>();
  const sent = new Map<Sealed, Sent>();
  const currents = new Map<AccountId, Fingerprint>();
  const node = nodeIdOf(keys.signing.publicKey);

  const fingerprint = (secret: string) => fingerprintSecret(secrets.fingerprintKey, secret);
  const refreshOf = ({ refresh }: Credential) => (refresh === undefined ? undefined : fingerprint(refresh));

  const take = (facts: AnnouncementFacts, sealed: Sealed): string | undefined => {
    const own = sent.get(sealed);
    sent.delete(sealed);
    // What this node sealed itself needs no opening when it comes back announced as what it is.
    if (own && isAnnouncedAs(own.facts, facts)) {
      keep(facts.access, own.credential, sealed);
      return undefined;
    }
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
    keep(facts.access, credential, sealed);
    return undefined;
  };

  const keep = (access: Fingerprint, credential: Credential, sealed: Sealed) => {
    credentials.put(access, credential);
    sealedByAccess.set(access, sealed);
    shrink(access);
  };

  /** The oldest records that are no account's current one go first; the newest may be about to become one. */
  const shrink = (newest: Fingerprint) => {
    if (sealedByAccess.size <= sealedMax) return;
    const kept = new Set(currents.values());
    for (const access of sealedByAccess.keys()) {
      if (sealedByAccess.size <= sealedMax) return;
      if (access !== newest && !kept.has(access)) sealedByAccess.delete(access);
    }
  };

  const seal = ({ account, generation, access, refresh }: SealedLogin) => {
    const kept = credentials.get(access);
    if (!kept) return { problem: 'the credential is not at hand any more' };
    // A bearer copy vouches for no refresh token: it goes out without one, and the home completes the login.
    const credential = refresh === undefined ? { ...kept, refresh: undefined } : kept;
    if (refreshOf(credential) !== refresh) return { problem: 'its refresh token is not at hand any more' };
    const record = sealRecord({ fleet, account, generation, originKey: keys.signing, credential }, secrets.fleetKey);
    if ('problem' in record) return record;
    const facts = { account, generation, kind: credential.kind, access, refresh, origin: node };
    sent.set(record.sealed, { facts, credential });
    const [oldest] = sent.keys();
    if (sent.size > sentMax && oldest !== undefined) sent.delete(oldest);
    return record;
  };

  return {
    fingerprint,
    put: (access, credential) => credentials.put(access, credential),
    get: access => credentials.get(access),
    findRefresh(isIt) {
      const refresh = credentials.findRefresh(isIt);
      return refresh === undefined ? undefined : fingerprint(refresh);
    },
    open: ({ type: _, sealed, ...facts }) => take(facts, sealed),
    restore: (facts, sealed) => take(facts, sealed),
    restoreRenewed(account, { renewed, generation }, sealed) {
      if (sealed === undefined) return 'the record of a refresh is missing';
      const opened = openRecord(sealed, { fleetKey: secrets.fleetKey, fleet, account, generation });
      if ('problem' in opened) return opened.problem;
      const { credential } = opened.record;
      if (fingerprint(credential.access) !== renewed.access) return 'the record holds another login than was refreshed';
      credentials.put(renewed.access, credential);
      return undefined;
    },
    sealedOf: access => sealedByAccess.get(access),
    settle(account, access) {
      currents.set(account, access);
      credentials.keep(currents.values());
    },
    attach(message) {
      const { observation, generation } = message;
      const { account, access, refresh } = observation;
      if (access === undefined) return { problem: 'the profile holds no credential' };
      const record = seal({ account, generation, access, refresh });
      return 'problem' in record ? record : { message: { ...message, sealed: record.sealed } };
    },
    seal,
  };
}

function isAnnouncedAs(sent: Sent['facts'], facts: AnnouncementFacts): boolean {
  return (
    sent.account === facts.account &&
    sent.generation === facts.generation &&
    sent.kind === facts.kind &&
    sent.access === facts.access &&
    sent.refresh === facts.refresh &&
    sent.origin === facts.origin
  );
}
