import { type AccountId, copyKey } from '@authmesh/shared/core/identifiers';
import type { Transition } from '@authmesh/shared/core/machine';
import { comparePositions } from '@authmesh/shared/core/position';
import { type Instant, significantOffset } from '@authmesh/shared/core/time';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { attested, linkClosed, linkProbed } from './admission.ts';
import { announcementOf } from './announcement.ts';
import { toldAnew } from './away.ts';
import { clockCompared, clocksRead } from './clock.ts';
import { persistFailed, retryPersist } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { enrollProved } from './enrollment.ts';
import { isAhead, raiseEpoch } from './epoch.ts';
import type { CoordinatorEvent, LinkId } from './event.ts';
import { beginEpoch } from './pool/barrier.ts';
import { claimsReported } from './pool/claims.ts';
import { poolsConfigured } from './pool/configuration.ts';
import { serve } from './pool/service.ts';
import { restoreStarts, sessionsRunning } from './pool/usage.ts';
import { configured, drain, drained, stopWhenIdle, sweep } from './presence.ts';
import { answerQuestion } from './question.ts';
import { persistConflicted, persistSucceeded } from './settlement.ts';
import type { CoordinatorState, Session } from './state.ts';
import { judgeAgain, submitObservation } from './submission.ts';

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
      sweep(state, at, effects);
      beginEpoch(state, effects);
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
    case 'timer-fired':
      if (event.timer === 'retry-persist') retryPersist(state, effects);
      else if (event.timer === 'sweep') sweep(state, at, effects);
      else if (event.timer === 'pools') serve(state, effects);
      else drained(state, effects);
      break;
    case 'configured':
      configured(state, event.policy, seed, effects);
      poolsConfigured(state, event.pools, effects);
      break;
    case 'drain-requested':
      drain(state, seed, effects);
      break;
    default:
      event satisfies never;
  }
  return { state, effects };
};

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
      // First: a new epoch has to be durable before anything is judged.
      for (const { account, position, generation } of message.known) {
        const ours = state.accounts.get(account)?.record.current?.position;
        if (isAhead(state, position, ours)) raiseEpoch(state, position.epoch, effects);
        session.known.set(account, position);
        learnGeneration(state, account, generation, at, effects);
      }
      // Then the announcements, for a judgement is acted on by what the node knows: `stale` heals with the login it has.
      // A part that says only what the node knows has more of it behind.
      if (message.last || message.observations.length > 0) sendFresher(state, session, effects);
      for (const observation of message.observations)
        submitObservation(state, session, observation, undefined, at, effects);
      if (message.last) {
        session.known.clear();
        toldAnew(state, session.node);
        effects.push({ type: 'send', link, message: { type: 'synced' } });
      }
      break;
    case 'publish': {
      const { observation, generation, sealed } = message;
      submitObservation(state, session, observation, { generation, sealed }, at, effects);
      break;
    }
    case 'acknowledge':
      for (const { store, profile } of message.gone)
        state.nodes.get(session.node)?.copies.delete(copyKey(store, profile));
      for (const observation of message.observations)
        submitObservation(state, session, observation, undefined, at, effects);
      break;
    case 'claims':
      if (session.role === 'daemon') claimsReported(state, session.node, message.report, seed, effects);
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

/** A node refuses what is below the generation that it has applied: whoever holds the current login seals it anew. */
function learnGeneration(
  state: CoordinatorState,
  account: AccountId,
  generation: number,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  if (generation <= (state.generations.get(account) ?? 0)) return;
  state.generations.set(account, generation);
  const current = state.accounts.get(account)?.record.current;
  if (current && current.generation < generation) judgeAgain(state, account, state.nodes.keys(), at, effects);
}

/** Only what is fresher than what the node said it knows goes to it, once. */
function sendFresher(state: CoordinatorState, session: Session, effects: CoordinatorEffect[]): void {
  for (const [account, entry] of state.accounts) {
    const { current } = entry.record;
    const known = session.known.get(account);
    if (!current || (known && comparePositions(known, current.position) >= 0)) continue;
    const announcement = announcementOf(entry.record, current);
    effects.push({ type: 'announce', announcement, links: [session.link] });
    session.known.set(account, current.position);
  }
}
