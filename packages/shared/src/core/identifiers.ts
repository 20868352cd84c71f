declare const brand: unique symbol;

/** A string that was checked once, at the edge, and is a `Name` from then on. */
export type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Fingerprint of a node's Ed25519 public key: 32 lower-case hex characters. */
export type NodeId = Branded<'NodeId'>;
/** Fingerprint of the founding node's key: the fleet is named after its founder. */
export type FleetId = Branded<'FleetId'>;
/** 16 random bytes as 32 hex characters. */
export type InviteId = Branded<'InviteId'>;
/** `kind:provider/subject`: what a login belongs to. Credentials of different kinds are never one account. */
export type AccountId = Branded<'AccountId'>;
/** `provider:name`, the key of an entry in a store. */
export type ProfileId = Branded<'ProfileId'>;
/** Absolute path of a store on its host. */
export type StoreId = Branded<'StoreId'>;
/** Keyed hash of a secret: 32 hex characters, all that may be known, stored or logged of it. */
export type Fingerprint = Branded<'Fingerprint'>;
/** A sealed record, base64: a secretbox that only members of the fleet can open. */
export type Sealed = Branded<'Sealed'>;

/** The types of OpenClaw's profiles that hold a secret. */
export type CredentialKind = 'oauth' | 'token' | 'api_key';

/** Names the copy of an account that one profile of one store is. */
export type CopyKey = Branded<'CopyKey'>;

/** Keys that were made lately: a report, its judgement and its delivery all name the same copy. */
const copyKeys = new Map<StoreId, Map<ProfileId, CopyKey>>();
/** More of them are not kept: whoever is asked for another one begins anew. */
const copyKeysMax = 10_000;
let copyKeysKept = 0;

/** The key of a profile in a store; a path cannot hold a line feed, so the two parts never run together. */
export function copyKey(store: StoreId, profile: ProfileId): CopyKey {
  return copyKeys.get(store)?.get(profile) ?? keepCopyKey(store, profile);
}

function keepCopyKey(store: StoreId, profile: ProfileId): CopyKey {
  if (copyKeysKept >= copyKeysMax) {
    copyKeys.clear();
    copyKeysKept = 0;
  }
  const key = `${store}\n${profile}` as CopyKey;
  const keys = copyKeys.get(store) ?? new Map<ProfileId, CopyKey>();
  copyKeys.set(store, keys.set(profile, key));
  copyKeysKept++;
  return key;
}

/**
 * OpenClaw calls one provider by several names over its releases (`openai-codex` until 2026.5.28, `openai` after).
 * An account carries the newer one, so that hosts of both eras mean the same login.
 */
export function canonicalProvider(provider: string): string {
  return provider === 'openai-codex' ? 'openai' : provider;
}

/** The account of a login: its kind, its provider by the newest name, and whatever names its owner. */
export function accountId(kind: CredentialKind, provider: string, subject: string): AccountId {
  return `${kind}:${canonicalProvider(provider)}/${subject}` as AccountId;
}

/** `provider/subject`, what an operator reads as the name of an account. */
export function accountLabel(account: AccountId): string {
  return account.slice(account.indexOf(':') + 1);
}

/** The provider that an account belongs to, by its newest name. */
export function accountProvider(account: AccountId): string {
  return account.slice(account.indexOf(':') + 1, account.indexOf('/'));
}
