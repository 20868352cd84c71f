import { type AccountId, copyKey, type NodeId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { Judgement } from '@authmesh/shared/protocol/down';
import { judgementsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { CoordinatorEffect } from './effect.ts';
import type { LinkId } from './event.ts';
import type { CoordinatorState } from './state.ts';

/** Keeps what a node reported of a copy, before it is judged. */
export function recordReport(state: CoordinatorState, link: LinkId, observation: Observation, at: Instant): void {
  const node = nodeOf(state, link);
  if (!node) return;
  const key = copyKey(observation.store, observation.profile);
  const before = node.copies.get(key);
  const judged = before && before.observation.access === observation.access ? before : undefined;
  node.copies.set(key, {
    observation,
    verdict: judged?.verdict ?? 'waits',
    why: judged?.why ?? 'it is being looked at',
    seenAt: at,
  });
  if (observation.refresh === undefined) return;
  const holders = state.holders.get(observation.account) ?? new Set();
  state.holders.set(observation.account, holders.add(node.record.id));
}

/** Keeps a judgement with its copy and tells the node, in one message for all of a step. */
export function recordJudgement(
  state: CoordinatorState,
  link: LinkId,
  observation: Observation,
  verdict: Judgement['verdict'],
  why: string,
  effects: CoordinatorEffect[],
  { generation, held, vaulted, inUse }: Pick<Judgement, 'generation' | 'held' | 'vaulted' | 'inUse'> = {},
): void {
  const { store, profile, access } = observation;
  const node = nodeOf(state, link);
  const key = copyKey(store, profile);
  const copy = node?.copies.get(key);
  if (node && copy && copy.observation.access === access) node.copies.set(key, { ...copy, verdict, why });
  const judgement: Judgement = { store, profile, access, verdict, why, generation, held, vaulted, inUse };
  if (inUse && node) toldInUse(state, observation.account, node.record.id);
  const last = effects.at(-1);
  if (last?.type === 'send' && last.link === link && last.message.type === 'judgements') {
    if (last.message.judgements.length < judgementsPerMessageMax) {
      last.message.judgements.push(judgement);
      return;
    }
  }
  effects.push({ type: 'send', link, message: { type: 'judgements', judgements: [judgement] } });
}

/** Who was told that the refresh token is in use hears when it no longer is. */
function toldInUse({ leases }: CoordinatorState, account: AccountId, node: NodeId): void {
  const told = leases.toldInUse.get(account);
  if (told) told.add(node);
  else leases.toldInUse.set(account, new Set([node]));
}

function nodeOf(state: CoordinatorState, link: LinkId) {
  const session = state.sessions.get(link);
  return session && state.nodes.get(session.node);
}
