import { type Instant, isUsable, minute } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import { custodyFor, formFor } from './coverage.ts';
import type { CredentialForm } from './effect.ts';
import type { SeenProfile } from './event.ts';
import { isDoubted } from './fence.ts';
import { isUsedHere } from './refresh/open-lease.ts';
import { isSpent } from './spent.ts';
import type { AgentState, Copy, Judged } from './state.ts';
import { isToolProfile } from './tools.ts';

/** The form to write, or undefined when the copy is as it should be or not ours to change. */
export function dueForm(
  state: AgentState,
  copy: Copy,
  seen: SeenProfile,
  judged: Judged,
  facts: AnnouncementFacts,
  at: Instant,
): CredentialForm | undefined {
  switch (judged.verdict) {
    case 'stale':
      return seen.access === facts.access ? undefined : formOf(state, copy, facts);
    case 'unfit':
      return isUsable(facts.expiresAt, at - state.clockOffsetMs) ? formOf(state, copy, facts) : undefined;
    case 'in-step': {
      if (seen.access !== facts.access) return undefined;
      if (hasFalseEnd(state, seen, facts, at)) return formOf(state, copy, facts);
      // The right login in the wrong form: a refresh token too few, or one too many.
      if (facts.refresh === undefined) return undefined;
      if (seen.refresh === undefined) return formOf(state, copy, facts) === 'full' ? 'full' : undefined;
      if (seen.refresh !== facts.refresh) {
        // Any other may be what the fleet's was renewed into there.
        return isSpent(state, facts.account, seen.refresh) ? formOf(state, copy, facts) : undefined;
      }
      // What may be used up stands nowhere, whatever the fleet knows of it.
      if (isUsedHere(state, facts) === 'up') return 'bearer';
      // The last one that is left is never taken away: the home may be a host that is gone, since this was said.
      if (state.link.phase !== 'online') return undefined;
      if (!isHeldElsewhere(state, copy, judged) && !isLeftToOpenclaw(state, copy, facts)) return undefined;
      return formOf(state, copy, facts) === 'bearer' ? 'bearer' : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * Whether a store takes the fleet's login for ended while it lives: this host's clock was wrong when it was written, and
 * OpenClaw would not use it. The home's own word is left alone, and one with a refresh token is renewed by its OpenClaw.
 */
export function hasFalseEnd(state: AgentState, seen: SeenProfile, facts: AnnouncementFacts, at: Instant): boolean {
  if (seen.access !== facts.access || seen.refresh !== undefined) return false;
  // Out of a vault a login is renewed by the fleet's word.
  if (facts.home === state.self.node && custodyFor(state, facts.account, seen.profile) !== 'vault') return false;
  if (isUsable(seen.expiresAt, at)) return false;
  // What has a minute left is soon renewed; below that clocks differ without being wrong.
  return isUsable(facts.expiresAt, at - state.clockOffsetMs + minute);
}

/** The form in which this copy is to have the fleet's login. */
export function formOf(state: AgentState, copy: Copy, facts: AnnouncementFacts): CredentialForm {
  if (isDoubted(copy, facts) || isLeftToOpenclaw(state, copy, facts) || isUsedHere(state, facts)) return 'bearer';
  // Another node uses it, or may have used it up.
  if (copy.judged?.inUse && copy.seen?.refresh !== facts.refresh) return 'bearer';
  return formFor(state, facts, copy.profile);
}

/** Whether the refresh token is safe without this copy: in enough vaults, or where its home has it in a store. */
function isHeldElsewhere(state: AgentState, { account, profile }: Copy, { held, vaulted }: Judged): boolean {
  return (custodyFor(state, account, profile) === 'vault' ? vaulted : held) === true;
}

/**
 * Whether a tool that shares its login with OpenClaw leaves the refreshing to it: on one host the two would spend one refresh
 * token, for neither knows of the other's lock.
 */
function isLeftToOpenclaw(state: AgentState, copy: Copy, { account, refresh }: AnnouncementFacts): boolean {
  if (refresh === undefined || !isToolProfile(copy.profile)) return false;
  if (custodyFor(state, account, copy.profile) === 'copy') return false;
  for (const { account: of, profile, seen } of state.copies.values()) {
    if (of === account && !isToolProfile(profile) && seen?.health === 'sound' && seen.refresh === refresh) return true;
  }
  return false;
}
