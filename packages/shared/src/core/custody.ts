import { canonicalProvider } from './identifiers.ts';
import { firstMatch, type Subject } from './patterns.ts';

/** Which stores hold the refresh token of a login: one node's, or all. */
export type Custody = 'home' | 'copy';

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

/**
 * Who may spend a login. A provider that is not known to keep its refresh tokens is taken for one that rotates them:
 * a copy too few costs a delivery, a copy too many costs the login.
 */
export function custodyOf(config: CustodyConfig, subject: Subject): Custody {
  return custodyBy(typeof config === 'string' ? config : (firstMatch(config, subject) ?? 'auto'), subject.provider);
}

/** The same where one word is for all. */
export function custodyBy(setting: CustodySetting, provider: string): Custody {
  if (setting !== 'auto') return setting;
  return isStable(canonicalProvider(provider)) ? 'copy' : 'home';
}
