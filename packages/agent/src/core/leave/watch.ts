import type { Milliseconds } from '@authmesh/shared/core/time';
import { second } from '@authmesh/shared/core/time';
import type { AgentEffect } from '../effect.ts';

/** Between two looks at what is waited for. */
const lookMs: Milliseconds = second / 2;

/** Looks again soon. */
export function keepLooking(effects: AgentEffect[]): void {
  effects.push({ type: 'set-timer', timer: 'leave', delayMs: lookMs });
}
