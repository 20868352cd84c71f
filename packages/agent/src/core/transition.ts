import { type AccountId, copyKey } from '@authmesh/shared/core/identifiers';
import type { Transition } from '@authmesh/shared/core/machine';
import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import { createConfigured, creationSettled } from './adoption.ts';
import { announced } from './announcement.ts';
import { asked, replyToAll } from './control.ts';
import { writeSettled } from './delivery.ts';
import type { AgentEffect } from './effect.ts';
import type { AgentEvent, AgentTimer } from './event.ts';
import { frameReceived } from './frame.ts';
import { holdsObserved } from './hold/found.ts';
import { storeMarked } from './hold/placement.ts';
import { reviewHolds } from './hold/review.ts';
import { leaveInterrupted, leaveWritten, pursueLeave } from './leave/leave.ts';
import { planInterrupted, pursuePlan } from './leave/planning.ts';
import { beat, clockJumped, dial, dialAnew, linkClosed, linkOpened, silenceEnded } from './link.ts';
import { storeObserved } from './observation.ts';
import { healthChecked } from './permit/command.ts';
import { reviewClaims } from './permit/review.ts';
import { exchanged } from './refresh/lease.ts';
import { coveredCopies, reportGone, sendInventory } from './report.ts';
import { revisit, settle, shiftDeadlines } from './revisit.ts';
import { secretsRead } from './secrets.ts';
import type { AgentState } from './state.ts';

/** The agent's machine: routes each event to its room. Any event in any phase has an answer, often none. */
export const transition: Transition<AgentState, AgentEvent, AgentEffect> = (
  state,
  { at, elapsed, awake, seed, event },
) => {
  state.elapsed = elapsed;
  state.awake = awake;
  const effects: AgentEffect[] = [];
  switch (event.type) {
    case 'started':
      dial(state, at, effects);
      break;
    case 'store-observed':
      storeObserved(state, event.store, event.seen, at, effects);
      break;
    case 'write-settled': {
      const key = copyKey(event.store, event.profile);
      writeSettled(state, key, event.outcome, at, effects);
      creationSettled(state, key, event.profile, event.outcome, effects);
      leaveWritten(state, key, event.outcome, at, effects);
      break;
    }
    case 'exchanged':
      exchanged(state, event.account, event.epoch, event.outcome, effects);
      break;
    case 'store-marked':
      storeMarked(state, event.store, event.outcome, effects);
      break;
    case 'link-opened':
      // What still is ahead of this host is announced to it again.
      state.refusals.clear();
      linkOpened(state, event, at, effects);
      break;
    case 'link-closed':
      linkClosed(state, event, at, seed, effects);
      replyToAll(state, effects);
      leaveInterrupted(state, at, effects);
      planInterrupted(state, at, effects);
      break;
    case 'announced':
      state.lastHeard = at;
      announced(state, event.facts, event.problem, at, effects);
      if (state.link.synced) createConfigured(state, at, effects);
      break;
    case 'frame-received':
      state.lastHeard = at;
      frameReceived(state, event.message, at, effects);
      break;
    case 'timer-fired':
      timerFired(state, event.timer, at, effects);
      break;
    case 'asked':
      asked(state, event.request, event.control, at, effects);
      break;
    case 'health-checked':
      healthChecked(state, event);
      break;
    case 'secrets-read':
      secretsRead(state, event, effects);
      break;
    case 'configured':
      configured(state, event.config, at, effects);
      break;
    case 'clock-jumped':
      shiftDeadlines(state, event.byMs);
      holdsObserved(state, at);
      clockJumped(state, event.byMs, at, effects);
      break;
    case 'drain-requested':
      drain(state, effects);
      break;
    default:
      event satisfies never;
  }
  if (mayConcernCopies(state, event)) settle(state, at, effects);
  if (state.holds.size > 0) reviewHolds(state, at, effects);
  if (state.claims.byId.size > 0 || state.claims.isNews) reviewClaims(state, at, effects);
  return { state, effects };
};

/** Most events are signs of life: what they cannot have changed is not gone through. */
function mayConcernCopies(state: AgentState, event: AgentEvent): boolean {
  switch (event.type) {
    case 'timer-fired':
      return event.timer === 'revisit' || event.timer === 'claims';
    case 'frame-received':
      return event.message.type === 'judgements' || event.message.type === 'permits';
    case 'secrets-read':
      return false;
    case 'exchanged':
      return hasCopiesOf(state, event.account);
    case 'announced':
      return hasCopiesOf(state, event.facts.account);
    default:
      return true;
  }
}

function hasCopiesOf({ copies }: AgentState, account: AccountId): boolean {
  for (const copy of copies.values()) if (copy.account === account) return true;
  return false;
}

function timerFired(state: AgentState, timer: AgentTimer, at: Instant, effects: AgentEffect[]): void {
  switch (timer) {
    case 'dial':
      dial(state, at, effects);
      break;
    case 'beat':
      beat(state, at, effects);
      break;
    case 'silence':
      silenceEnded(state, effects);
      break;
    case 'revisit':
      revisit(state, at, effects);
      break;
    case 'answer':
      replyToAll(state, effects);
      break;
    case 'leave':
      pursueLeave(state, at, effects);
      pursuePlan(state, effects);
      break;
    case 'claims':
      // The review that follows every event does it, and sets the timer anew: one may fire early.
      state.claims.timerAt = undefined;
      break;
    default:
      timer satisfies never;
  }
}

/** New configuration takes effect at once: what takes part and what no longer does is told, another coordinator is dialled. */
function configured(state: AgentState, config: AgentState['config'], at: Instant, effects: AgentEffect[]): void {
  const { phase, url } = state.link;
  const moved = url === undefined || !config.coordinators.includes(url);
  const before = coveredCopies(state);
  state.config = config;
  holdsObserved(state, at);
  if (phase === 'draining') return;
  if (moved && phase === 'offline') dialAnew(state, at, effects);
  else if (moved) effects.push({ type: 'close-link', why: 'its coordinator is not in the configuration any more' });
  else if (phase === 'online') {
    const now = new Set(coveredCopies(state));
    for (const copy of before) if (!now.has(copy)) reportGone(state, copy, effects);
    sendInventory(state, at, effects);
    createConfigured(state, at, effects);
  }
}

/** Deliveries under way end by themselves; nothing new is started. */
function drain(state: AgentState, effects: AgentEffect[]): void {
  if (state.link.phase === 'draining') return;
  effects.push(note('draining'), { type: 'close-link', why: 'the agent is stopping' });
  state.link = { ...state.link, phase: 'draining', synced: false };
  effects.push({ type: 'clear-timer', timer: 'dial' }, { type: 'clear-timer', timer: 'beat' }, { type: 'stop' });
}
