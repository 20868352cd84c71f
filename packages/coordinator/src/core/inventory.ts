import type { AccountId } from '@authmesh/shared/core/identifiers';
import { comparePositions } from '@authmesh/shared/core/position';
import type { Instant } from '@authmesh/shared/core/time';
import type { Inventory } from '@authmesh/shared/protocol/up';
import { announcementOf } from './announcement.ts';
import { toldAnew } from './away.ts';
import type { CoordinatorEffect } from './effect.ts';
import { isAhead, raiseEpoch } from './epoch.ts';
import { nodeTold } from './lease/service.ts';
import { outrun } from './recollection.ts';
import type { CoordinatorState, Session } from './state.ts';
import { judgeAgain, submitObservation } from './submission.ts';

/** A part of all that a node has: what it knows of the fleet's logins, then what stands in its stores. */
export function inventoryReceived(
  state: CoordinatorState,
  session: Session,
  message: Inventory,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { link } = session;
  const forgotten: AccountId[] = [];
  // First: a new epoch has to be durable before anything is judged.
  for (const { account, position, generation } of message.known) {
    const ours = state.accounts.get(account)?.record.current?.position;
    if (isAhead(state, position, ours)) raiseEpoch(state, position.epoch, effects);
    session.known.set(account, position);
    learnGeneration(state, account, generation, at, effects);
    if (session.role === 'daemon' && outrun(state, session.node, account, position)) forgotten.push(account);
  }
  if (forgotten.length > 0) effects.push({ type: 'send', link, message: { type: 'recall', accounts: forgotten } });
  // Then the announcements, for a judgement is acted on by what the node knows: `stale` heals with the login it has.
  // A part that says only what the node knows has more of it behind.
  if (message.last || message.observations.length > 0) sendFresher(state, session, effects);
  for (const observation of message.observations)
    submitObservation(state, session, observation, undefined, at, effects);
  if (!message.last) return;
  session.known.clear();
  if (session.role === 'daemon') {
    toldAnew(state, session.node);
    nodeTold(state, session, message, at, effects);
  }
  effects.push({ type: 'send', link, message: { type: 'synced' } });
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
