import type { Instant } from '@authmesh/shared/core/time';
import { claimsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { AgentEffect } from '../effect.ts';
import type { AgentEvent, ClaimState, ControlRequest } from '../event.ts';
import { heldFor } from '../hold/placement.ts';
import { planStart, unsaidSessions } from '../hold/plan.ts';
import type { AgentState } from '../state.ts';
import { type Claim, dropClaim, fits, putClaim, type Refusal, settleClaim } from './claim.ts';
import { checkAnew, letGo } from './settling.ts';

type ClaimRequest = Extract<ControlRequest, { op: `claim${string}` }>;

/** A command of this host that starts sessions: asks for its permits, starts under them, gives them back. */
export function commandAsked(
  state: AgentState,
  control: ClaimRequest,
  at: Instant,
  effects: AgentEffect[],
): ClaimState {
  if (control.op === 'claim') return open(state, control, at);
  const claim = state.claims.byId.get(control.claim);
  if (claim?.claimant.type !== 'command') return { claim: control.claim, phase: 'unknown' };
  const asked = { ...claim, askedAt: state.awake };
  state.claims.byId.set(claim.id, asked);
  if (control.op === 'claim-started') start(state, asked, at, effects);
  else if (control.op === 'claim-ran') checkAnew(state, asked, effects);
  else if (control.op === 'claim-ended') end(state, asked, control);
  return stateOf(state.claims.byId.get(claim.id) ?? asked);
}

function open(
  state: AgentState,
  { pool, sessions, settleMs }: Extract<ClaimRequest, { op: 'claim' }>,
  at: Instant,
): ClaimState {
  const { claims } = state;
  if (claims.byId.size >= claimsPerMessageMax) {
    return { claim: 0, phase: 'not-now', why: `this host has ${claims.byId.size} requests under way already` };
  }
  const plan = planStart(state, pool, sessions, at);
  if ('refusal' in plan) return refusedState(0, plan.refusal);
  const claimant = { type: 'command', pool } as const;
  const claim: Claim = {
    id: claims.nextId++,
    claimant,
    sessions: plan.sessions,
    starts: plan.sessions < sessions ? sessions : undefined,
    settleMs,
    phase: 'waiting',
    since: state.elapsed,
    askedAt: state.awake,
  };
  putClaim(claims, claim);
  return { ...stateOf(claim), unsaid: unsaidSessions(state, pool, sessions, at) };
}

function start(state: AgentState, claim: Claim, at: Instant, effects: AgentEffect[]): void {
  if (claim.phase !== 'granted' || !fits(claim, state.elapsed)) return;
  if (!heldFor(state, claim, at, effects)) return;
  letGo(state, state.claims.byId.get(claim.id) ?? claim, undefined, effects);
  if (claim.starts !== undefined) startAgain(state, claim.permit?.pool, effects);
}

/** A command that starts all agents starts those again that were just coming back: their time begins anew. */
function startAgain(state: AgentState, pool: string | undefined, effects: AgentEffect[]): void {
  for (const claim of state.claims.byId.values()) {
    if (claim.phase !== 'settling' || claim.claimant.type !== 'store' || claim.permit?.pool !== pool) continue;
    const use = claim.copy === undefined ? undefined : state.copies.get(claim.copy)?.seen?.use;
    letGo(state, claim, use, effects);
  }
}

function end(state: AgentState, claim: Claim, { outcome, why }: Extract<ClaimRequest, { op: 'claim-ended' }>): void {
  if (claim.phase === 'waiting') dropClaim(state.claims, claim);
  else if (claim.phase !== 'settled') settleClaim(state.claims, claim, outcome, why);
}

/** The health command of a pool says whether the sessions of a claim are back. */
export function healthChecked(
  state: AgentState,
  { claim: id, run, ok, why }: Extract<AgentEvent, { type: 'health-checked' }>,
): void {
  const claim = state.claims.byId.get(id);
  if (claim?.phase !== 'settling' || claim.checks !== run) return;
  if (ok) settleClaim(state.claims, claim, 'passed');
  else settleClaim(state.claims, claim, 'failed', why);
}

function stateOf({ id, phase, permit, queued, held, refusal, why }: Claim): ClaimState {
  if (refusal) return refusedState(id, refusal);
  return {
    claim: id,
    phase,
    place: queued?.place,
    etaMs: queued?.etaMs,
    settleMs: permit?.settleMs,
    held,
    why: queued?.why ?? why,
  };
}

function refusedState(claim: number, { why, isPassing }: Refusal): ClaimState {
  return { claim, phase: isPassing ? 'not-now' : 'refused', why };
}
