import { fraction } from '@authmesh/shared/core/chance';
import { silenceMsMax } from '@authmesh/shared/core/heartbeat';
import { note } from '@authmesh/shared/core/notes';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { CoordinatorEffect } from './effect.ts';
import type { LinkId } from './event.ts';
import { eraseExpired } from './expiry.ts';
import { sampleUsage, storeUsage } from './pool/usage.ts';
import type { CoordinatorState } from './state.ts';

const sweepIntervalMs: Milliseconds = 15 * second;
const drainMsMax: Milliseconds = 3 * second;
/** Each node gets its own moment to come back, spread over this time. */
const returnSpreadMs: Milliseconds = 5 * second;

/** From time to time: closes links that fell silent (a host that lost its power says no goodbye), clears old codes. */
export function sweep(state: CoordinatorState, at: Instant, effects: CoordinatorEffect[]): void {
  for (const { link, lastHeard, role } of state.sessions.values()) {
    if (role === 'daemon' && at - lastHeard > silenceMsMax)
      effects.push({ type: 'close-link', link, reason: 'silent' });
  }
  eraseExpired(state, at, effects);
  sampleUsage(state, effects);
  effects.push({ type: 'set-timer', timer: 'sweep', delayMs: sweepIntervalMs });
}

/** The fleet's filter changed: nodes learn it with the next welcome, so each is asked to come back. */
export function configured(
  state: CoordinatorState,
  policy: ProfileFilter,
  seed: number,
  effects: CoordinatorEffect[],
): void {
  const isSame = JSON.stringify(policy) === JSON.stringify(state.policy);
  state.policy = policy;
  if (isSame) return;
  for (const { link, role } of state.sessions.values()) {
    if (role !== 'daemon') continue;
    sendAway(link, seed + link, effects);
    effects.push({ type: 'close-link', link, reason: 'reconfigured' });
  }
}

/** Each node gets its own moment to come back, so that they do not all come at once. */
export function sendAway(link: LinkId, seed: number, effects: CoordinatorEffect[]): void {
  const notBeforeMs = Math.floor(fraction(seed) * returnSpreadMs);
  effects.push({ type: 'send', link, message: { type: 'drain', notBeforeMs } });
}

/** Sends every node away with its own moment to come back, and stops once nothing is on its way to the store. */
export function drain(state: CoordinatorState, seed: number, effects: CoordinatorEffect[]): void {
  if (state.mode === 'draining') return;
  state.mode = 'draining';
  effects.push(note('draining'));
  for (const { link, role } of state.sessions.values()) {
    if (role === 'daemon') sendAway(link, seed + link, effects);
    effects.push({ type: 'close-link', link, reason: 'draining' });
  }
  storeUsage(state, effects);
  effects.push({ type: 'clear-timer', timer: 'sweep' });
  effects.push({ type: 'set-timer', timer: 'drained', delayMs: drainMsMax });
  stopWhenIdle(state, effects);
}

/** While draining: the process may end as soon as every link is closed and nothing is on its way to the store. */
export function stopWhenIdle(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  if (state.mode === 'draining' && isIdle(state))
    effects.push({ type: 'clear-timer', timer: 'drained' }, { type: 'stop' });
}

/** Long enough: what is not durable by now was never told to anybody. */
export function drained(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  if (state.mode === 'draining') effects.push({ type: 'stop' });
}

function isIdle(state: CoordinatorState): boolean {
  if (state.pendingRecords.size > 0 || state.sessions.size > 0) return false;
  for (const entry of state.accounts.values()) if (entry.pending) return false;
  return true;
}
