import type { Transition } from '@authmesh/shared/core/machine';
import type { Instant } from '@authmesh/shared/core/time';
import { attested, linkClosed, linkProbed } from './admission.ts';
import { alertsConfigured, alertsTouched, alertTold, beginAlerts, serveAlerts } from './alerts/service.ts';
import { clocksRead } from './clock.ts';
import { persistFailed, retryPersist } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { enrollProved } from './enrollment.ts';
import type { CoordinatorEvent, CoordinatorTimer } from './event.ts';
import { frameReceived } from './frame.ts';
import { planAll, serveLeases } from './lease/service.ts';
import { beginEpoch } from './pool/barrier.ts';
import { poolsConfigured } from './pool/configuration.ts';
import { serve } from './pool/service.ts';
import { restoreStarts } from './pool/usage.ts';
import { configured, drain, drained, stopWhenIdle, sweep } from './presence.ts';
import { beginRotations, rotationsDue } from './rotation/service.ts';
import { pushesDue } from './secrets/push.ts';
import { persistConflicted, persistSucceeded } from './settlement.ts';
import type { CoordinatorState } from './state.ts';

/** The coordinator's machine: routes each event to its room. Any event in any state has an answer, often none. */
export const transition: Transition<CoordinatorState, CoordinatorEvent, CoordinatorEffect> = (
  state,
  { at, elapsed, awake, seed, event },
) => {
  const effects: CoordinatorEffect[] = [];
  state.elapsed = elapsed;
  state.at = at;
  clocksRead(state, { at, awake, seed }, effects);
  switch (event.type) {
    case 'started':
      restoreStarts(state);
      planAll(state);
      sweep(state, at, effects);
      beginEpoch(state, effects);
      beginAlerts(state, at, effects);
      beginRotations(state, at, effects);
      break;
    case 'attested':
      attested(state, event.link, event.attest, at, effects);
      break;
    case 'enroll-proved':
      enrollProved(state, event.link, event.enroll, at, effects);
      break;
    case 'link-closed':
      linkClosed(state, event.link, at, effects);
      stopWhenIdle(state, effects);
      break;
    case 'link-probed':
      linkProbed(state, event.link, event.alive, at, effects);
      break;
    case 'frame-received':
      frameReceived(state, event.link, event.message, at, seed, effects);
      break;
    case 'persist-succeeded':
      persistSucceeded(state, event, at, effects);
      stopWhenIdle(state, effects);
      break;
    case 'persist-conflicted':
      persistConflicted(state, event, at, effects);
      break;
    case 'persist-failed':
      persistFailed(state, event.key, event.reason, effects);
      break;
    case 'told':
      alertTold(state, event, seed, effects);
      break;
    case 'timer-fired':
      timerFired(state, event.timer, at, effects);
      break;
    case 'configured':
      configured(state, event.policy, seed, effects);
      poolsConfigured(state, event.pools, effects);
      state.leases.prefer = event.prefer ?? {};
      alertsConfigured(state, event.alerts);
      break;
    case 'drain-requested':
      drain(state, seed, effects);
      break;
    default:
      event satisfies never;
  }
  serveLeases(state, at, effects);
  if (isNews(event)) alertsTouched(state, effects);
  return { state, effects };
};

/** Signs of life and answers of the coordinator's own world say nothing of what may be wrong. */
function isNews(event: CoordinatorEvent): boolean {
  if (event.type === 'frame-received') return event.message.type !== 'beat' && event.message.type !== 'ask';
  return event.type !== 'timer-fired' && event.type !== 'told' && event.type !== 'persist-succeeded';
}

/** A timer may fire early; what is due only after it sets the timer anew. */
function timerFired(state: CoordinatorState, timer: CoordinatorTimer, at: Instant, effects: CoordinatorEffect[]): void {
  switch (timer) {
    case 'retry-persist':
      retryPersist(state, effects);
      break;
    case 'sweep':
      sweep(state, at, effects);
      break;
    case 'drained':
      drained(state, effects);
      break;
    case 'pools':
      state.pools.timerAt = undefined;
      serve(state, effects);
      break;
    case 'alerts':
      serveAlerts(state, at, effects);
      break;
    case 'rotations':
      rotationsDue(state, at, effects);
      break;
    case 'pushes':
      pushesDue(state, effects);
      break;
    case 'leases':
      // Leases are served after every event.
      state.leases.timerAt = undefined;
      break;
    default:
      timer satisfies never;
  }
}
