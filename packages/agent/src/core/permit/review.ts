import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import { isRecoveryDue } from '../delivery.ts';
import type { AgentEffect } from '../effect.ts';
import type { ProfileUse } from '../event.ts';
import type { AgentState } from '../state.ts';
import { abandonedMs, type Claim, dropClaim, hasBegun, isWriting, putClaim, settleClaim } from './claim.ts';
import { sendClaims } from './report.ts';

/** Goes through the claims: what is over, what is not needed any more, what came back; tells what is new. */
export function reviewClaims(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  const { claims, elapsed } = state;
  for (const claim of claims.byId.values()) review(state, claim, at, effects);
  if (state.link.synced && (claims.isNews || (claims.byId.size > 0 && claims.renewAt <= elapsed))) {
    sendClaims(state, at, effects);
  }
  scheduleReview(state, at, effects);
}

function review(state: AgentState, claim: Claim, at: Instant, effects: AgentEffect[]): void {
  const { claims, elapsed } = state;
  switch (claim.phase) {
    case 'waiting':
      if (!isNeeded(state, claim, at)) dropClaim(claims, claim);
      return;
    case 'granted':
      if (!isNeeded(state, claim, at)) settleClaim(claims, claim, 'unused');
      else if (claim.permit && claim.permit.until <= elapsed && !hasBegun(state, claim)) lapse(state, claim, effects);
      return;
    case 'settling': {
      // Another login of the same sessions is being written: they are let go once more.
      if (isWriting(state, claim)) return;
      const seen = claim.copy === undefined ? undefined : state.copies.get(claim.copy)?.seen;
      const refusal = refusalIn(seen?.use, claim.useBefore);
      // A change counts, not the time that it names: the host's clock may have been set.
      const isUsed = seen?.use?.usedAt !== undefined && seen.use.usedAt !== claim.useBefore?.usedAt;
      if (refusal !== undefined) settleClaim(claims, claim, 'failed', refusal);
      // Of several sessions a use says that one of them is back.
      else if (isUsed && claim.sessions === 1) settleClaim(claims, claim, 'used');
      else if ((claim.settlesAt ?? 0) <= state.awake) settleClaim(claims, claim, 'elapsed');
      return;
    }
    case 'settled':
      return;
    default:
      claim.phase satisfies never;
  }
}

/** 2026.2.12 notes a run that was refused as used, milliseconds later, and forgets why (seen with one profile). */
const sameRunMs: Milliseconds = 2 * second;

/** Why the first turn of a session was refused, if it was. */
function refusalIn(use: ProfileUse | undefined, before: ProfileUse | undefined): string | undefined {
  const { usedAt, failedAt, failure } = use ?? {};
  if (failedAt === undefined || failedAt === before?.failedAt) return undefined;
  switch (failure) {
    case 'auth':
      return 'the provider refused the login that was delivered';
    case 'rate-limit':
      return 'the provider refused it for too many at once';
    case 'quota':
      return 'the provider’s quota is used up';
    default: {
      const isSameRun = usedAt !== undefined && usedAt >= failedAt && usedAt - failedAt < sameRunMs;
      return isSameRun ? 'its first turn failed, and OpenClaw does not say why' : undefined;
    }
  }
}

/** A permit that ended unused is asked for again: whoever slept with it does not act on it. */
function lapse(state: AgentState, claim: Claim, effects: AgentEffect[]): void {
  const { claimant } = claim;
  const named = claimant.type === 'store' ? { store: claimant.store, profile: claimant.profile } : {};
  effects.push(note('permit-lapsed', named));
  putClaim(state.claims, { ...claim, phase: 'waiting', permit: undefined });
}

function isNeeded(state: AgentState, claim: Claim, at: Instant): boolean {
  if (claim.liftsHold && claim.claimant.type === 'store' && state.holds.has(claim.claimant.store)) return true;
  if (claim.copy === undefined) return state.awake - (claim.askedAt ?? 0) < abandonedMs;
  return isRecoveryDue(state, claim.copy, at);
}

/** Keeps the one timer set for the next moment at which time alone changes a claim. */
function scheduleReview(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  const { claims, elapsed } = state;
  let next: Milliseconds | undefined;
  const ahead = elapsed - state.awake;
  const consider = (moment: Milliseconds | undefined) => {
    if (moment !== undefined && moment > elapsed && (next === undefined || moment < next)) next = moment;
  };
  for (const { phase, permit, settlesAt, copy, askedAt } of claims.byId.values()) {
    if (phase === 'settling' && settlesAt !== undefined) consider(settlesAt + ahead);
    if (phase === 'granted') consider(permit?.until);
    if (copy === undefined && askedAt !== undefined && phase !== 'settled') consider(askedAt + abandonedMs + ahead);
  }
  for (const { retryAt, until } of state.holds.values()) consider(retryAt ?? elapsed + (until - at));
  if (claims.byId.size > 0 && state.link.synced) consider(claims.renewAt);
  if (next === undefined) return;
  if (claims.timerAt !== undefined && claims.timerAt <= next && claims.timerAt > elapsed) return;
  claims.timerAt = next;
  effects.push({ type: 'set-timer', timer: 'claims', delayMs: Math.ceil(next - elapsed) });
}
