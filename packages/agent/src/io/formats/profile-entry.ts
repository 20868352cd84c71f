import type { SeenProfile } from '@authmesh/agent/core/event';
import { isToolProvider, providerOf, type ToolName } from '@authmesh/agent/core/tools';
import {
  type AccountId,
  accountId,
  type CredentialKind,
  canonicalProvider,
  type Fingerprint,
  type ProfileId,
} from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, shiftExpiry, significantOffset } from '@authmesh/shared/core/time';
import { type Credential, credential as credentialSchema, secretCharsMax } from '@authmesh/shared/protocol/credential';
import { accountId as accountIdSchema, profileId as profileIdSchema } from '@authmesh/shared/protocol/fields';
import { readExpiry } from './expiry.ts';
import { readClaims, type TokenClaims } from './json-web-token.ts';
import { type RefreshFence, readFence, refreshDigest } from './refresh-fence.ts';

/** What reading needs besides the text. */
export interface ReadContext {
  /** Keyed hash of a secret. */
  readonly fingerprint: (secret: string) => Fingerprint;
  /** By this host's clock. */
  readonly now: Instant;
  /** This host's clock minus the coordinator's, as the handshake measured it. */
  readonly clockOffsetMs: Milliseconds;
  /** Tools whose logins are one account with OpenClaw's of the same provider and account id. */
  readonly sharing?: ReadonlySet<ToolName> | undefined;
  /** The refresh token among those that this host has seen of which `isIt` holds. */
  readonly findRefresh?: ((isIt: (refresh: string) => boolean) => Fingerprint | undefined) | undefined;
  /** How an entry is read, unless anew each time. */
  readonly readEntry?: ReadEntry | undefined;
}

export type ReadEntry = (profile: string, entry: unknown, context: ReadContext) => EntryRead;

/** One entry of a store: what may be known of it and the credential itself, or why it takes no part. */
export type EntryRead =
  | { readonly state: 'seen'; readonly seen: SeenProfile; readonly credential?: Credential | undefined }
  | { readonly state: 'skipped'; readonly reason: string };

/** Where an entry of each kind keeps its secret. */
export const secretField = { oauth: 'access', token: 'token', api_key: 'key' } as const satisfies Record<
  CredentialKind,
  string
>;

const credentialFields: ReadonlySet<string> = new Set([
  'type',
  'provider',
  'access',
  'token',
  'key',
  'refresh',
  'idToken',
  'expires',
]);
const references = ['oauthRef', 'keyRef', 'tokenRef'] as const;
/** The entry's other fields travel inside the sealed record, which has a bound of its own. */
const detailsCharsMax = 32 * 1024;

/** Reads one entry of `profiles`, whatever stands there. */
export function readEntry(profile: string, entry: unknown, context: ReadContext): EntryRead {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return skipped('it is not an object');
  const fields = entry as Readonly<Record<string, unknown>>;
  const { type: kind, provider: named } = fields;
  if (!isKind(kind)) return skipped('its type is none that authmesh knows');
  if (typeof named !== 'string' || named.trim() === '') return skipped('it names no provider');
  const provider = providerOf(named, context.sharing);
  const secret = fields[secretField[kind]];
  const reference = references.find(name => fields[name] !== undefined);
  if (reference && !isFilled(secret)) return skipped(`its secret is kept elsewhere (\`${reference}\`)`);
  const claims = isFilled(secret) ? readClaims(secret, provider) : {};
  const { account, identity } = identify(kind, provider, profile, fields, claims);
  if (
    provider.includes('/') ||
    !accountIdSchema.safeParse(account).success ||
    !profileIdSchema.safeParse(profile).success
  ) {
    return skipped('its provider or the name of its owner is too long or holds a slash');
  }
  const details = Object.fromEntries(Object.entries(fields).filter(([name]) => !credentialFields.has(name)));
  if (JSON.stringify(details).length > detailsCharsMax) return skipped('its other fields take more than 32 KiB');

  const refresh = kind === 'oauth' && isFilled(fields.refresh) ? fields.refresh : undefined;
  const fence = isFilled(secret) ? readFence(secret, refresh) : undefined;
  const isSpent = (token: string) => refreshDigest(profile, named, token) === fence?.digest;
  const expires = fields.expires ?? (isToolProvider(named) ? localEnd(claims, context) : undefined);
  const condition = fence ? conditionOf(fence) : judge(kind, secret, refresh, expires, context.now);
  const seen: SeenProfile = {
    profile: profile as ProfileId,
    account,
    identity,
    kind,
    health: condition.health,
    access: isFilled(secret) ? context.fingerprint(secret) : undefined,
    refresh: refresh === undefined ? undefined : context.fingerprint(refresh),
    expiresAt: condition.expiresAt,
    issuedAt: claims.issuedAt,
    spends: context.findRefresh && fence?.digest !== undefined ? context.findRefresh(isSpent) : undefined,
    trouble: condition.trouble,
  };
  if (condition.health !== 'sound') return { state: 'seen', seen };
  const read = credentialSchema.safeParse({
    kind,
    provider,
    access: secret,
    refresh,
    idToken: isFilled(fields.idToken) && fields.idToken.length <= secretCharsMax ? fields.idToken : undefined,
    expiresAt: shiftExpiry(condition.expiresAt, -significantOffset(context.clockOffsetMs)),
    details,
  });
  return read.success
    ? { state: 'seen', seen, credential: read.data }
    : skipped('its provider or one of its field names is too long');
}

function skipped(reason: string): EntryRead {
  return { state: 'skipped', reason };
}

function isKind(type: unknown): type is CredentialKind {
  return type === 'oauth' || type === 'token' || type === 'api_key';
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

/** Whose login it is: account id, else the token's own word, else e-mail, else only the profile's name. */
function identify(
  kind: CredentialKind,
  provider: string,
  profile: string,
  fields: Readonly<Record<string, unknown>>,
  claims: TokenClaims,
): { readonly account: AccountId; readonly identity: 'account' | 'profile' } {
  const email = isFilled(fields.email) ? fields.email.trim().toLowerCase() : undefined;
  const named = isFilled(fields.accountId) ? fields.accountId : undefined;
  const subject = named ?? claims.account ?? claims.subject ?? email;
  if (subject !== undefined) return { account: accountId(kind, provider, subject), identity: 'account' };
  return { account: accountId(kind, provider, canonicalProfile(profile)), identity: 'profile' };
}

/** `openai-codex:default` and `openai:default` are one profile in two eras. */
function canonicalProfile(profile: string): string {
  const colon = profile.indexOf(':');
  return colon < 0 ? profile : canonicalProvider(profile.slice(0, colon)) + profile.slice(colon);
}

/** When a token ends by its own word, which is the issuer's time, in this host's. */
function localEnd({ expiresAt }: TokenClaims, { clockOffsetMs }: ReadContext): Instant | undefined {
  return expiresAt === undefined ? undefined : expiresAt + significantOffset(clockOffsetMs);
}

interface Condition {
  readonly health: SeenProfile['health'];
  readonly expiresAt: Instant | null;
  readonly trouble?: string | undefined;
}

function conditionOf({ state }: RefreshFence): Condition {
  return state === 'failed'
    ? { health: 'fence-failed', expiresAt: null, trouble: 'OpenClaw’s refresh failed and took the tokens away' }
    : { health: 'fence-pending', expiresAt: null, trouble: 'OpenClaw is refreshing it' };
}

function judge(
  kind: CredentialKind,
  secret: unknown,
  refresh: string | undefined,
  expires: unknown,
  now: Instant,
): Condition {
  const field = secretField[kind];
  if (!isFilled(secret)) {
    const found = typeof secret === 'string' ? 'is empty' : secret === undefined ? 'is missing' : 'is not text';
    return { health: 'empty', expiresAt: null, trouble: `its \`${field}\` ${found}` };
  }
  if (secret.length > secretCharsMax || (refresh?.length ?? 0) > secretCharsMax) {
    return { health: 'implausible', expiresAt: null, trouble: 'its token is longer than 32 KiB' };
  }
  const expiry = readExpiry(kind === 'api_key' ? undefined : expires, kind === 'oauth', now);
  if (!expiry.plausible) return { health: 'implausible', expiresAt: null, trouble: expiry.trouble };
  return { health: 'sound', expiresAt: expiry.expiresAt };
}
