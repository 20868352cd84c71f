import type { AgentEffect } from './effect.ts';
import type { AgentState } from './state.ts';

/** Asks the coordinator for its view of the fleet; the answer to the last question counts. */
export function askOverview(state: AgentState, effects: AgentEffect[]): void {
  state.overviewParts = undefined;
  const request = state.nextRequest++;
  effects.push({ type: 'send', message: { type: 'ask', request, question: { type: 'overview' } } });
}
