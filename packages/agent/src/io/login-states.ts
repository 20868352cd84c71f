import { custodyFor } from '@authmesh/agent/core/coverage';
import type { AgentState } from '@authmesh/agent/core/state';
import { type Instant, isUsable, type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { AccountView, CopyView } from '@authmesh/shared/protocol/answer';

/** A login that ends sooner than this is said to be expiring. */
const expiringMs: Milliseconds = 15 * minute;

export type AccountState =
  | 'fresh'
  | 'expiring'
  | 'expired'
  | 'refreshing'
  | 'in-doubt'
  | 'needs-login'
  | 'parallel'
  | 'unlinked';
export type CopyState = 'current' | 'stale' | 'waiting' | 'held' | 'parallel' | 'unlinked' | 'quarantined' | 'error';

/** How a login of the fleet is, in one word. */
export function accountState(view: AccountView, now: Instant): AccountState {
  if (view.copies.some(copy => copy.verdict === 'unlinked')) return 'unlinked';
  const refreshing = view.refresh?.state ?? 'postponed';
  // What an OpenClaw may have spent is tried once more when the login has ended: until then it works as ever.
  const isToBeTried = view.refresh?.by === 'openclaw' && isUsable(view.expiresAt, now);
  if (refreshing !== 'postponed' && !isToBeTried) return refreshing;
  if (!isUsable(view.expiresAt, now)) {
    return view.copies.some(copy => copy.health === 'fence-failed') ? 'in-doubt' : 'expired';
  }
  if (view.copies.some(copy => copy.verdict === 'parallel')) return 'parallel';
  if (view.copies.some(copy => copy.health === 'fence-pending')) return 'refreshing';
  return isUsable(view.expiresAt, now + expiringMs) ? 'fresh' : 'expiring';
}

/** Whether the fleet's login has ended: that is said of the account, not of each of its copies. */
export function isOver({ expiresAt, position }: AccountView, now: Instant): boolean {
  return position !== null && !isUsable(expiresAt, now);
}

/** How a copy stands to the fleet's login, in one word. */
export function copyState({ health, verdict, trouble }: CopyView): CopyState {
  if (health === 'quarantined' || verdict === 'unfit') return 'quarantined';
  if (health === 'fence-pending') return 'waiting';
  if (trouble !== undefined) return 'error';
  if (verdict === 'in-step') return 'current';
  return verdict === 'stale' || verdict === 'parallel' || verdict === 'unlinked' ? verdict : 'waiting';
}

/** Whether the store can spend the login. */
export function copyCustody(state: AgentState, view: AccountView, copy: CopyView): 'bearer' | 'home' | 'full' {
  if (view.kind !== 'oauth') return 'full';
  if (!copy.spendable) return 'bearer';
  return custodyFor(state, view.account, copy.profile) === 'home' && copy.node === view.home ? 'home' : 'full';
}
