import { note } from '@authmesh/shared/core/notes';
import { clockJumpMsMin, clockOffsetMsMin, type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import { linkClosed } from './admission.ts';
import type { CoordinatorEffect } from './effect.ts';
import { sendAway } from './presence.ts';
import type { CoordinatorState } from './state.ts';

/*
 * The fleet goes by the coordinator's wall clock: ends are kept by it, and every node's clock is known by its difference.
 * Somebody may set it (docs/decisions/0024).
 */

/**
 * Holds the wall clock against the one that nobody can set and that stands still while the host sleeps. Where they moved
 * apart, silence is counted anew; where that is more than clocks may differ, what is known of every node's clock is wrong,
 * so each daemon comes back to compare them again, and nothing of it is judged before.
 */
export function clocksRead(
  state: CoordinatorState,
  { at, awake, seed }: { readonly at: Instant; readonly awake: Milliseconds; readonly seed: number },
  effects: CoordinatorEffect[],
): void {
  const ahead = at - awake;
  const byMs = ahead - (state.wallAheadMs ?? ahead);
  state.wallAheadMs = ahead;
  if (Math.abs(byMs) < clockJumpMsMin) return;
  effects.push(note('clock-jumped', { why: `by ${Math.round(byMs / second)} s` }));
  const isSet = Math.abs(byMs) >= clockOffsetMsMin;
  for (const [link, session] of [...state.sessions]) {
    if (session.role === 'daemon' && isSet) {
      sendAway(link, seed + link, effects);
      effects.push({ type: 'close-link', link, reason: 'clockSet' });
      linkClosed(state, link, at, effects);
    } else state.sessions.set(link, { ...session, lastHeard: at });
  }
}
