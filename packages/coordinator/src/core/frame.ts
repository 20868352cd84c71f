import { type CopyKey, copyKey } from '@authmesh/shared/core/identifiers';
import { type Instant, significantOffset } from '@authmesh/shared/core/time';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { clockCompared } from './clock.ts';
import { openAccount } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import type { LinkId } from './event.ts';
import { inventoryReceived } from './inventory.ts';
import { wake } from './lease/service.ts';
import { claimsReported } from './pool/claims.ts';
import { sessionsRunning } from './pool/usage.ts';
import { answerQuestion } from './question.ts';
import { rotatesTold, scheduleRotations } from './rotation/service.ts';
import { rotationReported } from './rotation/steps.ts';
import { secretGiven, secretTaken } from './secrets/push.ts';
import { secretsTold } from './secrets/secrets.ts';
import type { CoordinatorState, Session } from './state.ts';
import { nodeKnows, submit, submitObservation } from './submission.ts';
import type { Submission } from './waiting.ts';

/** A message of a member, on a link that was proven. */
export function frameReceived(
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
      if (session.role !== 'daemon') break;
      secretsTold(state, session.node, message, at, effects);
      rotatesTold(state, session.node, message, at, effects);
      break;
    case 'rotation-report':
      rotationReported(state, session, message, at, effects);
      scheduleRotations(state, effects);
      break;
    case 'secret-given':
      secretGiven(state, session, message, effects);
      break;
    case 'secret-taken':
      secretTaken(state, session, message, effects);
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
