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

/** As the coordinator last told it. */
export function refreshStatus(view: AccountView, roster: Roster): RefreshStatus | undefined {
  if (!view.refresh) return undefined;
  const { state, node, since, why } = view.refresh;
  return { state, node, since: iso(since), why, mend: mendOf(view, state, roster) };
}

function mendOf({ profile, home }: AccountView, state: RefreshView['state'], { names }: Roster): string | undefined {
  const host = (home === null ? undefined : names.get(home)) ?? 'any host';
  switch (state) {
    case 'needs-login':
      return `sign in again on ${host}: \`authmesh-agent login ${profile}\``;
    case 'in-doubt':
      return `it works until it ends; sign in again on ${host} before that: \`authmesh-agent login ${profile}\``;
    case 'refreshing':
    case 'postponed':
      return undefined;
    default:
      return state satisfies never;
  }
}
