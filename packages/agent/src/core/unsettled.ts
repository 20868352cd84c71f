import { type Instant, isUsable } from '@authmesh/shared/core/time';
import { hasFalseEnd } from './due-form.ts';
import type { AgentState, Copy } from './state.ts';

/** The copy with the time since when it waits for the fleet's login or for the coordinator's word on its own. */
export function withUnsettledAt(state: AgentState, copy: Copy, at: Instant): Copy {
  const waits = state.link.phase === 'online' && !isSettled(state, copy, at);
  const unsettledAt = waits ? (copy.unsettledAt ?? at) : undefined;
  return unsettledAt === copy.unsettledAt ? copy : { ...copy, unsettledAt };
}

function isSettled(state: AgentState, copy: Copy, at: Instant): boolean {
  const { seen, judged, account } = copy;
  if (!seen || judged?.verdict === 'ignored' || judged?.verdict === 'unlinked') return true;
  const facts = state.accounts.get(account);
  if (facts && seen.health === 'sound' && seen.access === facts.access) return !hasFalseEnd(state, seen, facts, at);
  return judged?.verdict === 'parallel' && !hasEnded(copy, at);
}

/** Whether the login that stands there cannot be used any more. */
export function hasEnded({ seen }: Copy, at: Instant): boolean {
  return seen !== undefined && !isUsable(seen.expiresAt, at);
}
