import { copyKey } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import { claimsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { AgentEffect } from '../effect.ts';
import { type Claim, fits, putClaim } from '../permit/claim.ts';
import type { AgentState } from '../state.ts';
import { claimOfHold, type Hold, holdSlackMs, isInPlace } from './hold.ts';
import { giveBack, lift, place, refuseOverdue } from './placement.ts';
import { profilesToHold } from './plan.ts';

/** Goes through the agents that are held back: lines them up, lifts what is granted, keeps the marks of the others. */
export function reviewHolds(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  for (const hold of state.holds.values()) review(state, hold, at, effects);
}

function review(state: AgentState, hold: Hold, at: Instant, effects: AgentEffect[]): void {
  const { store, profile, account, writing, retryAt } = hold;
  if (writing || state.link.phase === 'draining' || (retryAt !== undefined && retryAt > state.elapsed)) return;
  const seen = state.stores.get(store);
  if (seen?.state === 'absent') {
    state.holds.delete(store);
    return;
  }
  if (hold.until <= at) {
    state.holds.delete(store);
    effects.push(note('hold-ended', { store, profile, account }));
    return;
  }
  const command = state.claims.byId.get(hold.command ?? 0);
  const isBeforeStart = command?.phase === 'waiting' || command?.phase === 'granted';
  if (!isBeforeStart && hold.placed === undefined && !seen?.hold) {
    // Its command was given up before its marks stood: nobody is started again.
    state.holds.delete(store);
    return;
  }
  // Nobody can change it now: its marks end by themselves.
  if (seen?.state !== 'readable') {
    giveBack(state, hold);
    return refuseOverdue(state, hold, `${store} cannot be changed now`);
  }
  const claim = isBeforeStart ? undefined : (claimOfHold(state, hold) ?? lineUp(state, hold));
  if (claim && claim.phase !== 'waiting' && fits(claim, state.elapsed)) return lift(state, hold, claim, effects);
  const turnMs = claim?.queued?.etaMs ?? 0;
  const isRunningOut = hold.until - at < holdSlackMs / 2 + turnMs;
  // Who cannot be given a turn is not held for longer.
  const profiles = profilesToHold(state, hold);
  if (state.link.synced && isRunningOut) {
    place(state, { ...hold, profiles }, at + holdSlackMs + turnMs, effects);
  } else if (!isInPlace(state, hold) || profiles.length > hold.profiles.length) {
    // A turn that was under way has ended, and OpenClaw has cleared its mark with it; or the agent has one more login.
    place(state, { ...hold, profiles }, hold.until, effects);
  }
}

/** Asks for the permit that lifts a hold. */
function lineUp(
  { claims, elapsed, config }: AgentState,
  { store, profile, account, ...hold }: Hold,
): Claim | undefined {
  if (claims.byId.size >= claimsPerMessageMax) return undefined;
  const copy = copyKey(store, profile);
  const claimant = { type: 'store', store, profile, account } as const;
  const claim: Claim = {
    id: claims.nextId++,
    claimant,
    sessions: config.layout?.get(store)?.sessions ?? hold.sessions,
    copy,
    liftsHold: true,
    phase: 'waiting',
    since: elapsed,
  };
  if (!claims.byCopy.has(copy)) claims.byCopy.set(copy, claim.id);
  putClaim(claims, claim);
  return claim;
}
