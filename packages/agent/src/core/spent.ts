import type { AccountId, Fingerprint } from '@authmesh/shared/core/identifiers';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { AgentState } from './state.ts';

/*
 * A provider may answer a refresh with the access token that it has given out before, beside a new refresh token. By its access
 * token a store that holds the old pair is in step. That its refresh token is used up a host knows where it has heard of both.
 */

/** Of one account; what is older hardly stands anywhere. */
const spentMax = 16;

/** Takes note of the refresh token that an announcement has replaced, `known` being the login before it. */
export function noteSpent(state: AgentState, known: AnnouncementFacts | undefined, facts: AnnouncementFacts): void {
  const { account, access, refresh, restored } = facts;
  if (known?.access !== access) {
    state.spent.delete(account);
    return;
  }
  const spent = state.spent.get(account) ?? [];
  // Of a way back nothing is known to be used up: an operator's, or a coordinator's that was put back from a backup.
  const isNext = refresh !== undefined && refresh !== known.refresh && !restored && !spent.includes(refresh);
  if (isNext && known.refresh !== undefined) state.spent.set(account, [known.refresh, ...spent].slice(0, spentMax));
}

/** Whether the fleet's login of an account was renewed from this refresh token, and kept its access token. */
export function isSpent({ spent }: Pick<AgentState, 'spent'>, account: AccountId, refresh: Fingerprint): boolean {
  return spent.get(account)?.includes(refresh) === true;
}
