import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import { second } from '@authmesh/shared/core/time';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import { joinOverview } from '@authmesh/shared/protocol/overview';
import { adopt } from './adoption.ts';
import type { AgentEffect } from './effect.ts';
import type { ControlRequest } from './event.ts';
import { leaveAnswered, leaveAsked, leaveTold } from './leave/leave.ts';
import { planAsked, planTold } from './leave/planning.ts';
import { askOverview } from './overview-question.ts';
import { commandAsked } from './permit/command.ts';
import { type AgentState, askingMax } from './state.ts';

/** How long the command line waits for the coordinator before it gets what is known here. */
const answerMsMax: Milliseconds = 2 * second;

/** A request of this host's command line. */
export function asked(
  state: AgentState,
  request: number,
  control: ControlRequest,
  at: Instant,
  effects: AgentEffect[],
): void {
  if (control.op === 'adopt') return adopt(state, request, control, effects);
  if (control.op === 'leave-plan') return planAsked(state, request, at, effects);
  if (control.op === 'leave') return leaveAsked(state, request, control, effects);
  if (control.op !== 'status') {
    const claim = commandAsked(state, control, at, effects);
    effects.push({ type: 'reply', request, reply: { op: 'claim', state: claim } });
    return;
  }
  if (state.link.phase !== 'online' || state.asking.size >= askingMax) {
    effects.push({ type: 'reply', request, reply: { op: 'status' } });
    return;
  }
  state.asking.add(request);
  if (state.asking.size > 1) return;
  askOverview(state, effects);
  effects.push({ type: 'set-timer', timer: 'answer', delayMs: answerMsMax });
}

/** The coordinator's view of the fleet: kept, with the time of its making, for when it is away. */
export function answered(
  state: AgentState,
  { request, body }: Extract<DownMessage, { type: 'answer' }>,
  at: Instant,
  effects: AgentEffect[],
): void {
  leaveAnswered(state, request, body, at, effects);
  // The rest of an earlier answer, which came too late, is no part of this one.
  if (body.type !== 'overview' || request !== state.nextRequest - 1) return;
  state.overviewParts = joinOverview(state.overviewParts, body);
  if (!body.last) return;
  state.overview = { body: state.overviewParts, at };
  state.overviewParts = undefined;
  replyToAll(state, effects);
  planTold(state, effects);
  leaveTold(state, at, effects);
}

/** Answers every waiting request with what is known now: the answer came, or will not come in time. */
export function replyToAll(state: AgentState, effects: AgentEffect[]): void {
  for (const request of state.asking) effects.push({ type: 'reply', request, reply: { op: 'status' } });
  state.asking.clear();
  effects.push({ type: 'clear-timer', timer: 'answer' });
}
