import { returnDelayMs } from '@authmesh/shared/core/backoff';
import { beatIntervalMs, silenceMsMax } from '@authmesh/shared/core/heartbeat';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, second, significantOffset } from '@authmesh/shared/core/time';
import { closeCodes } from '@authmesh/shared/protocol/close-codes';
import type { AgentEffect } from './effect.ts';
import type { AgentEvent } from './event.ts';
import { runningSessions } from './permit/running.ts';
import { reviewHole } from './refresh/hole.ts';
import { tellLeases } from './refresh/lease.ts';
import { sendInventory } from './report.ts';
import { tellSecrets } from './secrets.ts';
import type { AgentState } from './state.ts';

/** After a wake the socket may be dead without knowing it: this long for an answer. */
const wakeAnswerMsMax: Milliseconds = 5 * second;

/** Tries the next coordinator of the list. */
export function dial(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  const { coordinators } = state.config;
  const url = coordinators[state.link.attempt % Math.max(1, coordinators.length)];
  if (url === undefined || state.link.phase !== 'offline') return;
  state.link = { ...state.link, phase: 'dialing', url, since: state.link.since || at };
  effects.push({ type: 'dial', url });
}

/** Tries at once, whatever was waited for: the reason to wait is gone. */
export function dialAnew(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  state.link = { ...state.link, attempt: 0 };
  effects.push({ type: 'clear-timer', timer: 'dial' });
  dial(state, at, effects);
}

/** The coordinator proved itself: everything that this host has goes to it as metadata. */
export function linkOpened(
  state: AgentState,
  event: Extract<AgentEvent, { type: 'link-opened' }>,
  at: Instant,
  effects: AgentEffect[],
): void {
  if (state.link.phase !== 'dialing') return;
  state.link = {
    ...state.link,
    phase: 'online',
    url: event.url,
    synced: false,
    problem: undefined,
    isRefused: undefined,
    isUnknown: undefined,
    notBeforeMs: undefined,
  };
  state.lastHeard = at;
  state.clockOffsetMs = significantOffset(event.clockOffsetMs);
  state.epoch = Math.max(state.epoch, event.epoch);
  state.policy = event.policy;
  effects.push(note('link-opened', { why: event.url }), { type: 'clear-timer', timer: 'dial' });
  effects.push({ type: 'set-timer', timer: 'beat', delayMs: beatIntervalMs });
  sendInventory(state, at, effects, true);
  tellLeases(state, effects);
}

/** The answer to this link's inventory is complete: only now the link is good, for one that breaks before is no better than none. */
export function linkSynced(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  state.link = { ...state.link, attempt: 0, since: at, synced: true };
  // A coordinator that has restarted knows of no permit: whoever holds one says so at once.
  if (state.claims.byId.size > 0) state.claims.isNews = true;
  tellSecrets(state, effects);
  effects.push(note('synced'));
  reviewHole(state, effects);
}

/** The link is gone, or never came to be: try again after full jitter. */
export function linkClosed(
  state: AgentState,
  event: Extract<AgentEvent, { type: 'link-closed' }>,
  at: Instant,
  seed: number,
  effects: AgentEffect[],
): void {
  if (state.link.phase === 'draining') return;
  if (state.leaving?.phase === 'left') {
    // Its membership is over: there is nothing to come back to.
    state.link = { ...state.link, phase: 'offline', synced: false };
    return;
  }
  const before = state.link;
  const refused = event.reason !== 'unreachable' && event.reason !== 'lost' && closeCodes[event.reason].fatal;
  // A refusal does not mend itself: no haste.
  const attempt = refused ? Math.max(before.attempt + 1, 7) : before.attempt + 1;
  state.link = {
    ...before,
    phase: 'offline',
    attempt,
    // A link that breaks before it is in step does not interrupt the absence.
    since: before.synced ? at : before.since,
    synced: false,
    problem: event.message,
    isRefused: refused,
    isUnknown: event.reason === 'unknownNode',
    notBeforeMs: undefined,
  };
  if (before.phase === 'online' || attempt === 1 || refused) {
    effects.push(note(refused ? 'link-refused' : 'link-lost', { why: event.message }));
  }
  effects.push({ type: 'clear-timer', timer: 'beat' }, { type: 'clear-timer', timer: 'silence' });
  const delayMs = returnDelayMs(attempt, seed, { notBeforeMs: before.notBeforeMs, retryAfterMs: event.retryAfterMs });
  effects.push({ type: 'set-timer', timer: 'dial', delayMs });
}

/** Sign of life, and the check that the other side gives one. */
export function beat(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  if (state.link.phase !== 'online') return;
  if (at - state.lastHeard > silenceMsMax) {
    effects.push({ type: 'close-link', why: 'the link fell silent' });
    return;
  }
  effects.push({ type: 'send', message: { type: 'beat', at, running: runningSessions(state, at) } });
  effects.push({ type: 'set-timer', timer: 'beat', delayMs: beatIntervalMs });
}

/** Sleep and wake, or a clock that was set: tell the coordinator, and find out whether the link still lives. */
export function clockJumped(state: AgentState, byMs: Milliseconds, at: Instant, effects: AgentEffect[]): void {
  effects.push(note('clock-jumped', { why: `by ${Math.round(byMs / second)} s` }));
  if (state.link.phase === 'online') {
    // Silence is counted from now: the clock it was counted by has moved.
    state.lastHeard = at;
    effects.push({ type: 'send', message: { type: 'beat', at } });
    effects.push({ type: 'set-timer', timer: 'silence', delayMs: wakeAnswerMsMax });
  } else if (state.link.phase === 'offline') {
    dialAnew(state, at, effects);
  }
}

/** Nothing was heard since the wake. */
export function silenceEnded(state: AgentState, effects: AgentEffect[]): void {
  if (state.link.phase === 'online') effects.push({ type: 'close-link', why: 'the link fell silent' });
}

/** The coordinator’s clock came with its sign of life. */
export function beatReceived(state: AgentState, theirs: Instant, at: Instant, effects: AgentEffect[]): void {
  state.clockOffsetMs = significantOffset(at - theirs);
  effects.push({ type: 'clear-timer', timer: 'silence' });
}
