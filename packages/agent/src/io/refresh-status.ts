import { accountProvider } from '@authmesh/shared/core/identifiers';
import { type Instant, isUsable, type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { AccountView } from '@authmesh/shared/protocol/answer';
import type { RefreshView } from '@authmesh/shared/protocol/lease';
import { iso, type Roster } from './copy-status.ts';

/** How the refreshing of an account stands, where it is not simply waiting for its time; times as ISO text. */
export interface RefreshStatus {
  readonly state: RefreshView['state'];
  /** Who refreshes it, or did last. */
  readonly node: string;
  readonly since: string;
  readonly why: string;
  /** What an operator can do; absent where nothing has to be done. */
  readonly mend?: string | undefined;
}

/** A refresh may be put off so long before somebody has to know; where the login ends within as long, from the first time on. */
const postponedMsMax: Milliseconds = 5 * minute;

/** As the coordinator last told it; `now` by its clock. */
export function refreshStatus(view: AccountView, roster: Roster, now: Instant): RefreshStatus | undefined {
  if (!view.refresh) return undefined;
  const { state, node, since, why } = view.refresh;
  return { state, node, since: iso(since), why, mend: mendOf(view, view.refresh, roster, now) };
}

function mendOf(
  { account, profile, home, expiresAt }: AccountView,
  { state, node, since, failures }: RefreshView,
  { names }: Roster,
  now: Instant,
): string | undefined {
  const host = (home === null ? undefined : names.get(home)) ?? 'any host';
  switch (state) {
    case 'needs-login':
      return `sign in again on ${host}: \`authmesh-agent login ${profile}\``;
    case 'in-doubt':
      return `it works until it ends; sign in again on ${host} before that: \`authmesh-agent login ${profile}\``;
    case 'refreshing':
      return undefined;
    case 'postponed':
      if (!failures || (now - since < postponedMsMax && isUsable(expiresAt, now + postponedMsMax))) return undefined;
      return `it is tried again by itself; where that goes on look at \`providers.${accountProvider(account)}\` in the agent.json of ${node}, and at its way to the provider`;
    default:
      return state satisfies never;
  }
}
