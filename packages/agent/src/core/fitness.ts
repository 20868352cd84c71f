import { type Instant, isUsable, type Milliseconds } from '@authmesh/shared/core/time';
import { custodyFor } from './coverage.ts';
import type { SeenProfile } from './event.ts';
import type { AgentState, Copy } from './state.ts';

/*
 * Whether a process that starts now could use what stands on disk. A gateway that is running masks the answer: it works
 * with what it read long ago.
 */

/** How a profile on disk looks to a process that starts; all but `usable` stop it, now or within `lifeMsMin`. */
export type FitnessState = 'usable' | 'expiring' | 'expired' | 'spent' | 'fenced' | 'missing' | 'unreadable';

export interface Fitness {
  readonly state: FitnessState;
  /** For the operator. */
  readonly reason: string;
}

/** Judges what stands in a copy; a login has to live for `lifeMsMin` from `at` on. Undefined: its owner deleted it. */
export function fitnessOf(state: AgentState, copy: Copy, at: Instant, lifeMsMin: Milliseconds): Fitness | undefined {
  const { store, seen } = copy;
  const entry = state.stores.get(store);
  if (entry?.state === 'quarantined') return { state: 'unreadable', reason: entry.reason ?? 'it cannot be understood' };
  if (!seen) {
    if (entry?.state === 'readable') return undefined;
    return { state: 'missing', reason: 'its store is gone; this host had the login there' };
  }
  return unsound(seen) ?? deadline(state, copy, seen, at, lifeMsMin) ?? { state: 'usable', reason: usableReason(seen) };
}

/** What is no login at all. */
function unsound({ health, trouble }: SeenProfile): Fitness | undefined {
  switch (health) {
    case 'sound':
      return undefined;
    case 'empty':
      return { state: 'missing', reason: trouble ?? 'its token is empty' };
    case 'implausible':
      return { state: 'unreadable', reason: trouble ?? 'what stands there cannot be' };
    case 'fence-pending':
      return { state: 'fenced', reason: 'OpenClaw is refreshing it; a stop in the middle destroys the login' };
    case 'fence-failed':
      return { state: 'fenced', reason: trouble ?? 'a refresh by OpenClaw failed and took the tokens away' };
    default:
      return health satisfies never;
  }
}

function deadline(
  state: AgentState,
  copy: Copy,
  seen: SeenProfile,
  at: Instant,
  lifeMsMin: Milliseconds,
): Fitness | undefined {
  const { expiresAt, refresh } = seen;
  if (!isUsable(expiresAt, at)) {
    // Whoever starts first spends the refresh token, and the others that hold it find it used up.
    const risk = refresh === undefined ? '' : '; agents that start together would spend its refresh token at once';
    return { state: 'expired', reason: `its access token has ended${risk}` };
  }
  if (isSpent(state, copy, seen)) {
    return { state: 'spent', reason: 'its refresh token is used up: a later login of the account is known' };
  }
  if (isUsable(expiresAt, at + lifeMsMin)) return undefined;
  return { state: 'expiring', reason: 'its access token ends too soon after a start' };
}

function usableReason({ expiresAt }: SeenProfile): string {
  return expiresAt === null ? 'it does not end' : 'its access token lives';
}

/**
 * Whether the refresh token that stands there is known to be used up: the coordinator says that the login is an old one,
 * or a store of this host has had it and moved on.
 */
function isSpent(state: AgentState, copy: Copy, seen: SeenProfile): boolean {
  const { account, profile, judged } = copy;
  // A provider that keeps its refresh tokens takes an old one as well.
  if (seen.refresh === undefined || custodyFor(state, account, profile) === 'copy') return false;
  const facts = state.accounts.get(account);
  if (judged?.verdict === 'stale' && judged.access === seen.access) return seen.refresh !== facts?.refresh;
  const isCurrent = facts?.access === seen.access;
  for (const other of state.copies.values()) {
    if (other.account !== account || !other.chain.some(link => link.access === seen.access)) continue;
    if (!isCurrent) return true;
    if (hasRenewed(other, seen)) return true;
  }
  return false;
}

/** Whether a store of this host holds what the fleet's login was renewed into, and is not back at an older one. */
function hasRenewed({ seen: now, chain }: Copy, seen: SeenProfile): boolean {
  if (now?.health !== 'sound' || now.access === seen.access) return false;
  if (now.refresh === undefined || now.refresh === seen.refresh) return false;
  return !chain.some(link => link.access === now.access);
}
