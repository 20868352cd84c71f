import type { Instant } from '@authmesh/shared/core/time';
import { claimsPerMessageMax, sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import type { ClaimsReport } from '@authmesh/shared/protocol/permit';
import type { AgentEffect } from '../effect.ts';
import type { AgentState } from '../state.ts';
import { type Claim, hasBegun, renewalMs, sentReportsMax } from './claim.ts';
import { isWorking } from './recovery.ts';

/** Tells the coordinator all that this host claims; from this moment on the permits that answer are counted. */
export function sendClaims(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  const { claims, elapsed } = state;
  const number = claims.nextNumber++;
  claims.sent.push({ number, at: elapsed });
  if (claims.sent.length > sentReportsMax) claims.sent.shift();
  const report: ClaimsReport['claims'] = [];
  for (const claim of claims.byId.values()) {
    if (report.length === claimsPerMessageMax) break;
    if (claim.refusal !== undefined && claim.phase !== 'settled') continue;
    if (claim.phase === 'settled' && claim.toldIn === undefined)
      claims.byId.set(claim.id, { ...claim, toldIn: number });
    report.push(told(state, claim, at));
  }
  const { signals } = claims;
  claims.signals = [];
  claims.isNews = false;
  claims.renewAt = elapsed + renewalMs;
  effects.push({
    type: 'send',
    message: { type: 'claims', report: { run: claims.run, number, claims: report, signals } },
  });
}

function told(state: AgentState, claim: Claim, at: Instant): ClaimsReport['claims'][number] {
  const { id, claimant, sessions, settleMs, phase, permit, outcome, why, liftsHold, copy } = claim;
  const seen = copy === undefined ? undefined : state.copies.get(copy)?.seen;
  // A login may end while its agent is held: what comes back then is a recovery.
  const isSound = (liftsHold && seen && isWorking(seen, at)) || undefined;
  const common = { id, claimant, sessions, settleMs, isSound, epoch: permit?.epoch };
  if (phase === 'waiting') return { ...common, phase, epoch: undefined };
  if (phase === 'settled') return { ...common, phase, outcome, why: why?.slice(0, sentenceCharsMax) };
  return { ...common, phase: hasBegun(state, claim) ? 'begun' : 'holding' };
}
