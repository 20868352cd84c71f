import { canonicalProvider } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, minute } from '@authmesh/shared/core/time';

/** How a refresh token is exchanged at one provider. */
export interface Provider {
  readonly tokenEndpoint: string;
  /** The operator's word, for every login: goes before the one that a login names as `clientId` among its details. */
  readonly clientId?: string | undefined;
  /** Of a login that names none. */
  readonly defaultClientId?: string | undefined;
  /** Sent along by clients that are not public. */
  readonly clientSecret?: string | undefined;
  /** `form` is RFC 6749; `json` has the same fields in a JSON object. */
  readonly body: 'form' | 'json';
  /** Whether a use spends a refresh token; true also where nobody knows. */
  readonly rotates: boolean;
  /** Sent besides the grant's own. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** What the provider's clients take off the life that it says. */
  readonly expirySkewMs?: Milliseconds | undefined;
}

/** What configuration says of a provider: all of an unknown one, or what differs of a known one. */
export type ProviderSettings = Partial<{
  readonly [Field in Exclude<keyof Provider, 'defaultClientId'>]: Provider[Field] | undefined;
}>;

/**
 * Providers whose logins are refreshed by RFC 6749, by their canonical names, with the values that OpenClaw's own releases use.
 * Without those that need a secret of the client's (Google), that have no refresh grant (GitHub Copilot, MiniMax) or nothing to
 * refresh (setup tokens).
 */
export const knownProviders: ReadonlyMap<string, Provider> = new Map<string, Provider>([
  [
    'openai',
    // OpenClaw 2026.2.12 (pi-ai 0.52.10) and 2026.9.6: the same endpoint and client, nothing taken off.
    {
      tokenEndpoint: 'https://auth.openai.com/oauth/token',
      defaultClientId: 'app_EMoamEEZ73f0CkXaXp7hrann',
      body: 'form',
      rotates: true,
    },
  ],
  [
    'anthropic',
    // OpenClaw 2026.9.6, as since 2026.3.13; 2026.2.12 asked the same client's tokens of console.anthropic.com.
    {
      tokenEndpoint: 'https://platform.claude.com/v1/oauth/token',
      defaultClientId: '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
      body: 'json',
      rotates: true,
      expirySkewMs: 5 * minute,
    },
  ],
  [
    'xai',
    // OpenClaw 2026.9.6, which asks https://auth.x.ai for the endpoint; this one is what other public clients of it have.
    {
      tokenEndpoint: 'https://auth.x.ai/oauth2/token',
      defaultClientId: 'b1a00492-073a-47ea-816f-4c329264a828',
      body: 'form',
      rotates: true,
    },
  ],
  [
    'qwen-portal',
    // OpenClaw 2026.2.12; gone from later releases.
    {
      tokenEndpoint: 'https://chat.qwen.ai/api/v1/oauth2/token',
      defaultClientId: 'f0304373b74a44d2b584a3fb70ca9e56',
      body: 'form',
      rotates: true,
    },
  ],
  [
    'chutes',
    // OpenClaw 2026.2.12 to 2026.7.1: the client is each user's own.
    {
      tokenEndpoint: 'https://api.chutes.ai/idp/token',
      body: 'form',
      rotates: true,
      expirySkewMs: 5 * minute,
    },
  ],
]);

/**
 * The known providers with what configuration adds or changes, by canonical name. Of one that is not known, whatever is not
 * said is as RFC 6749 and RFC 9700 have it: a form, and a refresh token that its use spends. One without an endpoint is left
 * out: `findIncompleteProviders` names it.
 */
export function mergeProviders(
  known: ReadonlyMap<string, Provider>,
  configured: Readonly<Record<string, ProviderSettings>>,
): ReadonlyMap<string, Provider> {
  const merged = new Map(known);
  for (const [name, settings] of Object.entries(configured)) {
    const canonical = canonicalProvider(name);
    const provider = { body: 'form', rotates: true, ...merged.get(canonical), ...statedIn(settings) } as const;
    if (hasEndpoint(provider)) merged.set(canonical, provider);
  }
  return merged;
}

/** Names of configured providers that are not known and lack an endpoint: nothing can be refreshed there. */
export function findIncompleteProviders(
  known: ReadonlyMap<string, Provider>,
  configured: Readonly<Record<string, ProviderSettings>>,
): string[] {
  const merged = mergeProviders(known, configured);
  return Object.keys(configured).filter(name => !merged.has(canonicalProvider(name)));
}

function statedIn(settings: ProviderSettings): Partial<Provider> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function hasEndpoint(provider: Omit<Provider, 'tokenEndpoint'> & ProviderSettings): provider is Provider {
  return provider.tokenEndpoint !== undefined;
}
