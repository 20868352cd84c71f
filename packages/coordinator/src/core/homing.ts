import type { AccountId, NodeId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import { awayCopiesOf } from './away.ts';
import { moveOn } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { nextRevision } from './history.ts';
import { haltOf, leaseOf } from './lease/standing.ts';
import type { AccountEntry, CoordinatorState, Session } from './state.ts';
import type { Submission } from './waiting.ts';

/**
 * An operator says on which host a login lives: under custody `home` that host's stores get the refresh token, and the
 * former home's give it up once it is there. The login stays the same; every node hears of it at a new position.
 */
export function moveHome(
  state: CoordinatorState,
  entry: AccountEntry,
  session: Session,
  submission: Extract<Submission, { type: 'home' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { record } = entry;
  const { account, current } = record;
  const { link, request, node } = submission;
  const answer = (body: Parameters<typeof send>[3]) => send(effects, link, request, body);
  if (!current) {
    return answer({ type: 'problem', code: 'ERR_NOT_MOVED', message: 'the account has no current login yet' });
  }
  if (!hasCopy(state, account, node)) {
    const name = state.nodes.get(node)?.record.name ?? node;
    const message = `${name} has no copy of it: adopt it there first (authmesh-agent adopt)`;
    return answer({ type: 'problem', code: 'ERR_NOT_MOVED', message });
  }
  if (current.home === node) return answer({ type: 'published', position: current.position });
  // The next home's stores would get a refresh token that is being used, or may be used up.
  if (leaseOf(record) ?? haltOf(record)) {
    const message = leaseOf(record)
      ? 'it is being refreshed right now: try again in a moment'
      : 'its refresh token may be used up: it moves with the next sign-in';
    return answer({ type: 'problem', code: 'ERR_NOT_MOVED', message });
  }
  effects.push({ type: 'audit', entry: { at, action: 'home', node: session.node, account, details: `to ${node}` } });
  const position = { epoch: state.fleet.record.epoch, revision: nextRevision(record) };
  moveOn(state, entry, { ...record, current: { ...current, position, home: node } }, effects, submission);
}

function hasCopy(state: CoordinatorState, account: AccountId, id: NodeId): boolean {
  const node = state.nodes.get(id);
  for (const { observation } of node?.copies.values() ?? []) if (observation.account === account) return true;
  return node !== undefined && awayCopiesOf(state, id, node.copies).some(copy => copy.account === account);
}

function send(
  effects: CoordinatorEffect[],
  link: number,
  request: number,
  body: Extract<Extract<CoordinatorEffect, { type: 'send' }>['message'], { type: 'answer' }>['body'],
): void {
  effects.push({ type: 'send', link, message: { type: 'answer', request, body } });
}
