import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import { minute, second } from '@authmesh/shared/core/time';
import type { AgentEffect } from '../effect.ts';
import { dial, dialAnew } from '../link.ts';
import { askOverview } from '../overview-question.ts';
import type { AgentState } from '../state.ts';
import type { PlanResult } from './leaving.ts';
import { planLeave } from './plan.ts';
import { keepLooking } from './watch.ts';

/** For the coordinator to be reached, by each of its addresses. */
const planMsMax: Milliseconds = 20 * second;

/** How long an operator may think about the answer. */
const thoughtMsMax: Milliseconds = 2 * minute;

/** An operator asks what leaving would come to: that is for the coordinator to say as it is now. */
export function planAsked(state: AgentState, request: number, at: Instant, effects: AgentEffect[]): void {
  const requests = [...(state.planning?.requests ?? []), request];
  const attemptsLeft = Math.max(1, state.config.coordinators.length);
  state.planning = { requests, attemptsLeft, isAsked: false, until: state.elapsed + planMsMax };
  state.askingUntil = state.elapsed + thoughtMsMax;
  if (state.link.phase === 'offline') dialAnew(state, at, effects);
  pursuePlan(state, effects);
}

/** Asks once the link is good, and gives up in time. */
export function pursuePlan(state: AgentState, effects: AgentEffect[]): void {
  const { planning, link } = state;
  if (!planning) return;
  if (state.elapsed >= planning.until) return answerAway(state, 'it did not answer in time', effects);
  if (link.synced && !planning.isAsked) {
    state.planning = { ...planning, isAsked: true };
    askOverview(state, effects);
  }
  keepLooking(effects);
}

/** The fleet as it is now was told. */
export function planTold(state: AgentState, effects: AgentEffect[]): void {
  if (state.planning?.isAsked) answerPlan(state, { plan: planLeave(state, true) }, effects);
}

/** The link is gone, or never came to be: the next address, unless the coordinator does not know this host. */
export function planInterrupted(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  const { planning, link } = state;
  if (!planning) return;
  if (link.isUnknown) return answerPlan(state, { plan: planLeave(state, false) }, effects);
  const attemptsLeft = planning.attemptsLeft - 1;
  if (attemptsLeft <= 0) return answerAway(state, link.problem ?? 'the link to it was lost', effects);
  state.planning = { ...planning, attemptsLeft, isAsked: false };
  effects.push({ type: 'clear-timer', timer: 'dial' });
  dial(state, at, effects);
}

function answerAway(state: AgentState, why: string, effects: AgentEffect[]): void {
  answerPlan(state, { away: why }, effects);
}

function answerPlan(state: AgentState, result: PlanResult, effects: AgentEffect[]): void {
  for (const request of state.planning?.requests ?? [])
    effects.push({ type: 'reply', request, reply: { op: 'leave-plan', result } });
  state.planning = undefined;
}
