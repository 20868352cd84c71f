import { type Instant, isUsable } from '@authmesh/shared/core/time';
import type { AgentState, Copy } from './state.ts';

/** Keeps, for each copy, since when it waits for the fleet's login or for the coordinator's word on its own. */
export function markUnsettled(state: AgentState, at: Instant): void {
  const isOnline = state.link.phase === 'online';
  for (const [key, copy] of state.copies) {
    const unsettledAt = isOnline && !isSettled(state, copy, at) ? (copy.unsettledAt ?? at) : undefined;
    if (unsettledAt !== copy.unsettledAt) state.copies.set(key, { ...copy, unsettledAt });
  }
}

function isSettled(state: AgentState, copy: Copy, at: Instant): boolean {
  const { seen, judged, account } = copy;
  if (!seen || judged?.verdict === 'ignored' || judged?.verdict === 'unlinked') return true;
  if (seen.health === 'sound' && seen.access === state.accounts.get(account)?.access) return true;
  return judged?.verdict === 'parallel' && !hasEnded(copy, at);
}

/** Whether the login that stands there cannot be used any more. */
export function hasEnded({ seen }: Copy, at: Instant): boolean {
  return seen !== undefined && !isUsable(seen.expiresAt, at);
}
