import { canonicalProvider } from './identifiers.ts';
import { firstMatch, type Subject } from './patterns.ts';

/** Which stores hold the refresh token of a login: none, one node's, or all. */
export type Custody = 'vault' | 'home' | 'copy';

/** What `agent.json` may say: one word for all, or a word a pattern. `auto` asks the table of providers below. */
export type CustodySetting = Custody | 'auto';
export type CustodyConfig = CustodySetting | Readonly<Record<string, CustodySetting>>;

/**
 * Providers whose refresh token stays the same when it is used, so that any number of hosts may hold it
 * (field notes on OAuth: Google's are long-lived, GitHub's is the account's own token).
 */
function isStable(provider: string): boolean {
  return provider.startsWith('google') || provider.startsWith('gemini') || provider === 'github-copilot';
}

/** Where a host can refresh, by the newest names of the providers, and whether a use there spends a refresh token. */
export type Refreshing = ReadonlyMap<string, { readonly rotates: boolean }>;

/** What the configuration says of a login. */
export function custodySetting(config: CustodyConfig, subject: Subject): CustodySetting {
  return typeof config === 'string' ? config : (firstMatch(config, subject) ?? 'auto');
}

/**
 * Who may spend a login on a host that can refresh at these providers (DESIGN §8). A provider that is not known to keep its
 * refresh tokens is taken for one that rotates them: a copy too few costs a delivery, a copy too many costs the login.
 */
export function custodyBy(setting: CustodySetting, provider: string, refreshing: Refreshing): Custody {
  const name = canonicalProvider(provider);
  const ability = refreshing.get(name);
  if (setting === 'auto') {
    if (ability) return ability.rotates ? 'vault' : 'copy';
    return isStable(name) ? 'copy' : 'home';
  }
  // Out of a vault somebody has to refresh it: what this host cannot is its OpenClaw's.
  return setting === 'vault' && !ability ? 'home' : setting;
}
