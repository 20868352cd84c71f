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
const stableProviders: readonly RegExp[] = [/^google/, /^gemini/, /^github-copilot$/];

/**
 * Who may spend a login. A provider that is not known to keep its refresh tokens is taken for one that rotates them:
 * a copy too few costs a delivery, a copy too many costs the login.
 */
export function custodyOf(config: CustodyConfig, subject: Subject): Custody {
  const setting = typeof config === 'string' ? config : (firstMatch(config, subject) ?? 'auto');
  if (setting !== 'auto') return setting;
  return isStable(canonicalProvider(subject.provider)) ? 'copy' : 'home';
}

const stable = new Map<string, boolean>();

function isStable(provider: string): boolean {
  let answer = stable.get(provider);
  if (answer === undefined) {
    answer = stableProviders.some(pattern => pattern.test(provider));
    stable.set(provider, answer);
  }
  return answer;
}
