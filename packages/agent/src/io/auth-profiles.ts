import type { CredentialForm } from '@authmesh/agent/core/effect';
import type { SeenProfile, SeenStore } from '@authmesh/agent/core/event';
import { providerIn } from '@authmesh/agent/core/naming';
import type { Fingerprint, ProfileId } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, never, shiftExpiry, significantOffset } from '@authmesh/shared/core/time';
import type { Credential } from '@authmesh/shared/protocol/credential';
import { readHold } from './formats/hold-mark.ts';
import { hasObject, readJson, setFields } from './formats/json-document.ts';
import type { Json } from './formats/json-layout.ts';
import { type ReadContext, readEntry, secretField } from './formats/profile-entry.ts';
import { readUse } from './formats/profile-use.ts';
import { liftAuthMarks } from './formats/usage-marks.ts';

export type { ReadContext } from './formats/profile-entry.ts';
export { liftAuthMarks };

/** Beyond any store in the field (about 1 KB a profile); a file above it is not read at all. */
export const storeBytesMax = 8 * 1024 * 1024;

/** A store as it was read: what the core may know, the credentials for the vault, what takes no part and why. */
export interface ParsedStore {
  readonly seen: SeenStore;
  /** Sound credentials by their access fingerprint. */
  readonly credentials: ReadonlyMap<Fingerprint, Credential>;
  readonly skipped: readonly SkippedProfile[];
  /** The text looks like a write that has not ended: worth another look before it is reported. */
  readonly partial: boolean;
}

export interface SkippedProfile {
  readonly profile: string;
  readonly reason: string;
}

/** A store that is set aside, with the reason for the operator. */
export function quarantinedStore(reason: string, partial = false): ParsedStore {
  return { seen: { state: 'quarantined', reason }, credentials: new Map(), skipped: [], partial };
}

/** A store that is not there. */
export const absentStore: ParsedStore = {
  seen: { state: 'absent' },
  credentials: new Map(),
  skipped: [],
  partial: false,
};

/**
 * Reads a store; total: whatever the text holds, the answer says what it is. `state` is the text of the `auth-state.json`
 * beside it, where OpenClaw keeps its statistics from 2026.4.7 on.
 */
export function parseStore(text: string, context: ReadContext, state?: string): ParsedStore {
  if (text.length > storeBytesMax) return quarantinedStore('it is larger than 8 MiB');
  const json = readJson(text);
  if (json.state === 'malformed') return quarantinedStore(json.reason, json.partial);
  const { value } = json;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return quarantinedStore('it is JSON, but not an object');
  }
  const { version, profiles } = value as Readonly<Record<string, unknown>>;
  if (version !== undefined && version !== 1) {
    const found = typeof version === 'number' ? `${version}` : 'not a number';
    return quarantinedStore(`its \`version\` is ${found}; authmesh knows version 1`);
  }
  if (typeof profiles !== 'object' || profiles === null || Array.isArray(profiles)) {
    return quarantinedStore('it has no `profiles` object');
  }
  const own = usesIn(value);
  const uses = own ?? (state === undefined ? undefined : usesIn(parseJson(state)));
  const seen: SeenProfile[] = [];
  const credentials = new Map<Fingerprint, Credential>();
  const skipped: SkippedProfile[] = [];
  const read = context.readEntry ?? readEntry;
  for (const [profile, entry] of Object.entries(profiles)) {
    const result = read(profile, entry, context);
    if (result.state === 'skipped') {
      skipped.push({ profile, reason: result.reason });
      continue;
    }
    seen.push(withUse(result.seen, uses));
    const { access } = result.seen;
    if (!result.credential || access === undefined) continue;
    // Two profiles may share a token: the copy that can be refreshed is the one to keep.
    if (result.credential.refresh !== undefined || !credentials.has(access)) credentials.set(access, result.credential);
  }
  return { seen: { state: 'readable', profiles: seen, hold: readHold(own) }, credentials, skipped, partial: false };
}

function withUse(seen: SeenProfile, uses: Readonly<Record<string, unknown>> | undefined): SeenProfile {
  const use = uses && Object.hasOwn(uses, seen.profile) ? readUse(uses[seen.profile]) : undefined;
  return use ? { ...seen, use } : seen;
}

function usesIn(document: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof document !== 'object' || document === null || !('usageStats' in document)) return undefined;
  const { usageStats } = document;
  return typeof usageStats === 'object' && usageStats !== null ? (usageStats as Record<string, unknown>) : undefined;
}

/** Statistics that cannot be understood are none: they say nothing of the login. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface EditOptions {
  /** This host's clock minus the coordinator's. */
  readonly localOffsetMs: Milliseconds;
}

/**
 * The store with another credential in `profile`: its secrets and `expires` change, OpenClaw's own marks for its
 * authentication failures are lifted, every other byte stays. `bearer` leaves no refresh token behind; `full` keeps
 * the one that is there when the credential brings none (a provider may answer a refresh without a new one).
 * Undefined when the store has no such profile of the credential's kind.
 */
export function editCredential(
  text: string,
  profile: ProfileId,
  credential: Credential,
  form: CredentialForm,
  options: EditOptions,
): string | undefined {
  const entry = entryOf(text, profile);
  if (entry?.type !== credential.kind) return undefined;
  const { kind, access, idToken } = credential;
  const fields: Record<string, Json | undefined> = { [secretField[kind]]: access };
  if (kind === 'oauth') {
    if (form === 'bearer') fields.refresh = undefined;
    else if (credential.refresh !== undefined) fields.refresh = credential.refresh;
    if (idToken !== undefined) fields.idToken = idToken;
  }
  const expires = expiresField(credential, options);
  // An end that the store words differently ("never" has two spellings) is left as it stands.
  if (kind !== 'api_key' && !isSameEnd(entry.expires, expires)) fields.expires = expires;
  return liftAuthMarks(setFields(text, ['profiles', profile], fields), profile);
}

/** The store without the refresh token of `profile`; every other byte stays. */
export function withoutRefresh(text: string, profile: ProfileId): string | undefined {
  return entryOf(text, profile) ? setFields(text, ['profiles', profile], { refresh: undefined }) : undefined;
}

/** Undefined when the profile is there already, or the store has no place for it. */
export function createProfile(
  text: string | undefined,
  profile: ProfileId,
  credential: Credential,
  form: CredentialForm,
  options: EditOptions,
): string | undefined {
  const store = text ?? `${JSON.stringify({ version: 1, profiles: {} }, null, 2)}\n`;
  if (!hasObject(store, ['profiles']) || hasEntry(store, profile)) return undefined;
  const { kind, provider, access, refresh, idToken, details } = credential;
  const entry: Record<string, Json> = {
    type: kind,
    provider: providerIn(profile, provider),
    [secretField[kind]]: access,
  };
  if (kind === 'oauth') {
    if (form === 'full' && refresh !== undefined) entry.refresh = refresh;
    if (idToken !== undefined) entry.idToken = idToken;
  }
  const expires = expiresField(credential, options);
  if (kind !== 'api_key' && expires !== undefined) entry.expires = expires;
  // What the origin's entry had besides never takes the place of a credential's own field.
  for (const [name, value] of Object.entries(details)) if (!reserved.has(name)) entry[name] = value;
  return setFields(store, ['profiles'], { [profile]: entry });
}

const reserved: ReadonlySet<string> = new Set([
  ...['type', 'provider', 'access', 'token', 'key', 'refresh', 'idToken', 'expires'],
  ...['oauthRef', 'keyRef', 'tokenRef', '__proto__'],
]);

function expiresField(credential: Credential, options: EditOptions): Instant | undefined {
  const { kind, expiresAt } = credential;
  // An `oauth` entry needs an end where others leave it out.
  if (expiresAt === null) return kind === 'oauth' ? never : undefined;
  return shiftExpiry(expiresAt, significantOffset(options.localOffsetMs)) ?? undefined;
}

function isSameEnd(found: unknown, wanted: Instant | undefined): boolean {
  if (found === wanted) return true;
  return (wanted === undefined || wanted === never) && (found === never || found === Number.MAX_SAFE_INTEGER);
}

function entryOf(text: string, profile: ProfileId): Readonly<Record<string, unknown>> | undefined {
  const { profiles } = JSON.parse(text) as { readonly profiles: Readonly<Record<string, Record<string, unknown>>> };
  return Object.hasOwn(profiles, profile) ? profiles[profile] : undefined;
}

function hasEntry(text: string, profile: ProfileId): boolean {
  return Object.hasOwn((JSON.parse(text) as { readonly profiles: object }).profiles, profile);
}
