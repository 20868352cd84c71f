import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import type { AgentEffect } from '../effect.ts';
import { sendInventory } from '../report.ts';
import type { AgentState } from '../state.ts';
import type { LeaveResult, Leaving } from './leaving.ts';

/** The membership is over. */
export function finish(state: AgentState, leaving: Leaving, remaining: number | null, effects: AgentEffect[]): void {
  state.leaving = { ...leaving, phase: 'left' };
  effects.push(note('fleet-left'), { type: 'clear-timer', timer: 'leave' });
  reply(leaving.request, { phase: 'left', restored: leaving.restored, remaining }, effects);
}

/** Breaks off, and says why. */
export function refuse(
  state: AgentState,
  code: Extract<LeaveResult, { phase: 'refused' }>['code'],
  why: string,
  at: Instant,
  effects: AgentEffect[],
): void {
  const { leaving } = state;
  if (leaving) reply(leaving.request, { phase: 'refused', code, why }, effects);
  resume(state, at, effects);
}

/** The rules of a member hold again. */
export function resume(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  const wasTold = (state.leaving?.withheld.length ?? 0) > 0;
  state.leaving = undefined;
  effects.push({ type: 'clear-timer', timer: 'leave' });
  if (wasTold && state.link.phase === 'online') sendInventory(state, at, effects);
}

/** Answers who asked. */
export function reply(request: number, result: LeaveResult, effects: AgentEffect[]): void {
  effects.push({ type: 'reply', request, reply: { op: 'leave', result } });
}
