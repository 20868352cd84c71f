import { type CopyKey, copyKey } from '@authmesh/shared/core/identifiers';
import type { Transition } from '@authmesh/shared/core/machine';
import { type Instant, significantOffset } from '@authmesh/shared/core/time';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { attested, linkClosed, linkProbed } from './admission.ts';
import { alertsConfigured, alertsTouched, alertTold, beginAlerts, serveAlerts } from './alerts/service.ts';
import { clockCompared, clocksRead } from './clock.ts';
import { openAccount, persistFailed, retryPersist } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { enrollProved } from './enrollment.ts';
import type { CoordinatorEvent, CoordinatorTimer, LinkId } from './event.ts';
import { inventoryReceived } from './inventory.ts';
import { planAll, serveLeases, wake } from './lease/service.ts';
import { beginEpoch } from './pool/barrier.ts';
import { claimsReported } from './pool/claims.ts';
import { poolsConfigured } from './pool/configuration.ts';
import { serve } from './pool/service.ts';
import { restoreStarts, sessionsRunning } from './pool/usage.ts';
import { configured, drain, drained, stopWhenIdle, sweep } from './presence.ts';
import { answerQuestion } from './question.ts';
import { secretsTold } from './secrets/secrets.ts';
import { persistConflicted, persistSucceeded } from './settlement.ts';
import type { CoordinatorState, Session } from './state.ts';
import { nodeKnows, submit, submitObservation } from './submission.ts';
import type { Submission } from './waiting.ts';

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
    case 'leases':
      // Leases are served after every event.
      state.leases.timerAt = undefined;
      break;
    default:
      timer satisfies never;
  }
}

function frameReceived(
  state: CoordinatorState,
  link: LinkId,
  message: UpMessage,
  at: Instant,
  seed: number,
  effects: CoordinatorEffect[],
): void {
  const before = state.sessions.get(link);
  if (!before) return;
  const clockOffsetMs = message.type === 'beat' ? significantOffset(message.at - at) : before.clockOffsetMs;
  const session: Session = { ...before, lastHeard: at, clockOffsetMs };
  state.sessions.set(link, session);
  if (clockOffsetMs !== before.clockOffsetMs) clockCompared(state, session, at, effects);
  switch (message.type) {
    case 'inventory':
      inventoryReceived(state, session, message, at, effects);
      break;
    case 'recollection': {
      if (session.role !== 'daemon') break;
      const { facts, sealed } = message;
      if (!state.accounts.has(facts.account)) openAccount(state, facts);
      submit(state, { type: 'recollection', link, facts, sealed }, facts.account, at, effects);
      break;
    }
    case 'publish': {
      const { observation, generation, sealed } = message;
      submitObservation(state, session, observation, { generation, sealed }, at, effects);
      break;
    }
    case 'acknowledge':
      for (const { store, profile } of message.gone) copyLeft(state, session, copyKey(store, profile), at);
      for (const { account, position } of session.role === 'daemon' ? (message.known ?? []) : [])
        nodeKnows(state, session.node, account, position, effects);
      for (const observation of message.observations)
        submitObservation(state, session, observation, undefined, at, effects);
      break;
    case 'renewal':
    case 'miss':
      if (session.role === 'daemon') submit(state, outcomeOf(session, message), message.account, at, effects);
      break;
    case 'claims':
      if (session.role === 'daemon') claimsReported(state, session.node, message.report, seed, effects);
      break;
    case 'secrets':
      if (session.role === 'daemon') secretsTold(state, session.node, message, at, effects);
      break;
    case 'beat':
      if (session.role === 'daemon')
        sessionsRunning(state.usage, state.pools.terms, session.node, message.running ?? [], state.elapsed);
      effects.push({ type: 'send', link, message: { type: 'beat', at } });
      break;
    case 'ask':
      answerQuestion(state, session, message.request, message.question, at, effects);
      break;
    default:
      message satisfies never;
  }
}

/** A profile left the fleet's care: whoever waited for it to give its refresh token up is looked at again. */
function copyLeft(state: CoordinatorState, { node }: Session, key: CopyKey, at: Instant): void {
  const copies = state.nodes.get(node)?.copies;
  const account = copies?.get(key)?.observation.account;
  copies?.delete(key);
  if (account !== undefined) wake(state, account, at);
}

function outcomeOf({ link, node }: Session, message: Extract<UpMessage, { type: 'renewal' | 'miss' }>): Submission {
  return message.type === 'renewal' ? { type: 'renewal', link, node, message } : { type: 'miss', link, node, message };
}
