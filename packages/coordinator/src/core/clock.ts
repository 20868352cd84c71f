import { note } from '@authmesh/shared/core/notes';
import { clockJumpMsMin, clockOffsetMsMin, type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import { linkClosed } from './admission.ts';
import type { CoordinatorEffect } from './effect.ts';
import { planAnew } from './lease/service.ts';
import { sendAway } from './presence.ts';
import type { CoordinatorState, Session } from './state.ts';
import { judgeAgain } from './submission.ts';

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
  if (isSet) planAnew(state, at);
  // Whoever waits for another's link to prove dead has compared clocks before.
  for (const link of isSet ? [...state.challengers.keys()] : []) {
    effects.push({ type: 'close-link', link, reason: 'clockSet' });
    linkClosed(state, link, at, effects);
  }
  for (const [link, session] of [...state.sessions]) {
    if (session.role === 'daemon' && isSet) {
      sendAway(link, seed + link, effects);
      effects.push({ type: 'close-link', link, reason: 'clockSet' });
      linkClosed(state, link, at, effects);
    } else state.sessions.set(link, { ...session, lastHeard: at });
  }
}

/** A node's clock was set: what its stores say of the logins whose home it is means something else now. */
export function clockCompared(
  state: CoordinatorState,
  { node }: Session,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  for (const [account, { record }] of state.accounts) {
    if (record.current?.home === node) judgeAgain(state, account, [node], at, effects);
  }
}
