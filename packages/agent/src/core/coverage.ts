import { type Custody, custodyBy, custodySetting } from '@authmesh/shared/core/custody';
import { type AccountId, accountLabel, accountProvider, type ProfileId } from '@authmesh/shared/core/identifiers';
import { passesAll, passesFilter, type Subject } from '@authmesh/shared/core/patterns';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { CredentialForm } from './effect.ts';
import type { AgentState } from './state.ts';

/** What patterns are held against. */
export function subjectOf(account: AccountId, profile: ProfileId): Subject {
  return { provider: accountProvider(account), account: accountLabel(account), profile };
}

/** Whether a login takes part on this host: by its own configuration and by the fleet's. */
export function isCovered(
  state: Pick<AgentState, 'config' | 'policy'>,
  account: AccountId,
  profile: ProfileId,
): boolean {
  if (account.startsWith('api_key:') && !state.config.apiKeys) return false;
  if (passesAll(state.config.profiles) && passesAll(state.policy)) return true;
  const subject = subjectOf(account, profile);
  return passesFilter(state.config.profiles, subject) && passesFilter(state.policy, subject);
}

/** Who may spend a login, as this host sees it. */
export function custodyFor(state: AgentState, account: AccountId, profile: ProfileId): Custody {
  const { custody, refreshes } = state.config;
  if (!account.startsWith('oauth:')) return 'copy';
  const setting = typeof custody === 'string' ? custody : custodySetting(custody, subjectOf(account, profile));
  return custodyBy(setting, accountProvider(account), refreshes);
}

/** Whether an announced login is one that this host keeps in its vault alone. */
export function isVaulted(state: AgentState, { account, profile, refresh }: AnnouncementFacts): boolean {
  return refresh !== undefined && custodyFor(state, account, profile) === 'vault';
}

/**
 * Invariant I9: under custody `vault` no store holds the refresh token, under `home` only the home's stores do. A login
 * that comes without one (an operator took the fleet back to it, a coordinator from a backup learned it from a bearer
 * host) is not completed with the refresh token of the one that it replaces: that may be used up (I10).
 */
export function formFor(state: AgentState, facts: AnnouncementFacts, profile: ProfileId): CredentialForm {
  if (facts.restored && facts.refresh === undefined) return 'bearer';
  const custody = custodyFor(state, facts.account, profile);
  if (custody === 'copy') return 'full';
  if (custody === 'vault') return 'bearer';
  if (facts.home !== state.self.node) return 'bearer';
  // Of its own refresh, answered without a new refresh token, the one that is there goes on (RFC 6749, 6).
  return facts.refresh !== undefined || facts.origin === state.self.node ? 'full' : 'bearer';
}

/** Whether another store of this host holds what the fleet's login was renewed into, and the coordinator has yet to say so. */
export function isRenewedHere(state: AgentState, facts: AnnouncementFacts): boolean {
  for (const { account, seen, judged, chain } of state.copies.values()) {
    if (account !== facts.account || seen?.health !== 'sound' || seen.access === facts.access) continue;
    if (seen.refresh === undefined || seen.refresh === facts.refresh || judged?.verdict === 'stale') continue;
    if (chain.some(link => link.access === facts.access)) return true;
  }
  return false;
}
