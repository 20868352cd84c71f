import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { SeenProfile } from './event.ts';
import type { AgentState, Copy } from './state.ts';

/*
 * OpenClaw 2026.9.4 and later puts a fence in place of the tokens while it refreshes. It ends as new tokens or as a
 * failed fence; where its process died, it stays as it is for ever.
 */

/** How long a refresh may take: OpenClaw itself gives up after 2 minutes. */
export const fenceMsMax: Milliseconds = 3 * minute;

/** The pending fence that stands there, if one does: since when, counted from this agent's own first sight. */
export function fenceOf(found: SeenProfile, before: Copy | undefined, at: Instant): Copy['fence'] {
  if (found.health !== 'fence-pending') return undefined;
  return before?.fence ?? { since: at, isStuck: false };
}

/** When a pending fence is no longer waited for. */
export function endOfFence({ fence }: Copy): Instant | undefined {
  return fence === undefined || fence.isStuck ? undefined : fence.since + fenceMsMax;
}

/** A pending fence in the words of the fleet: whether what is being refreshed here is its login. */
export function withSpending(state: AgentState, found: SeenProfile): SeenProfile {
  const facts = state.accounts.get(found.account);
  if (found.health !== 'fence-pending' || found.spends === undefined || facts?.refresh === undefined) return found;
  const what = found.spends === facts.refresh ? 'the fleet’s login' : 'another login than the fleet’s';
  return { ...found, trouble: `OpenClaw is refreshing ${what}` };
}

/** A fence that has been pending for too long is as good as failed. */
export function withFailedFence(found: SeenProfile): SeenProfile {
  return {
    ...found,
    health: 'fence-failed',
    trouble: `a refresh by OpenClaw has not ended for ${fenceMsMax / minute} minutes`,
  };
}

/**
 * A failed refresh may have reached the provider all the same: what it spent is not put back (invariant I10). A refresh
 * token that stands there soundly is in no doubt: its owner put it there.
 */
export function withDoubt(state: AgentState, copy: Copy): Copy {
  const { seen, last, account, doubted } = copy;
  if (seen?.health === 'sound') return doubted && seen.refresh !== undefined ? { ...copy, doubted: undefined } : copy;
  if (seen?.health !== 'fence-failed' || copy.doubted) return copy;
  const facts = state.accounts.get(account);
  // What was renewed here is spent, and may be the fleet's login until the coordinator hears of it.
  const isPast = facts !== undefined && copy.chain.some(link => link.access === facts.access);
  // Where the fence does not say which one it was about, it may have been any that stood there.
  const suspects = seen.spends ? [seen.spends, isPast ? facts.refresh : undefined] : [last?.refresh, facts?.refresh];
  const spent = new Set(suspects.filter(refresh => refresh !== undefined));
  return spent.size > 0 ? { ...copy, doubted: [...spent] } : copy;
}

/** Invariant I10: whether the refresh token of the fleet's login has to stay in the vault, as far as this copy goes. */
export function isDoubted({ doubted }: Copy, { refresh }: AnnouncementFacts): boolean {
  return refresh !== undefined && doubted?.includes(refresh) === true;
}
