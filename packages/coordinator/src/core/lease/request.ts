import type { AccountId, Fingerprint } from '@authmesh/shared/core/identifiers';
import { refreshDueAt } from '@authmesh/shared/core/lease';
import type { Instant } from '@authmesh/shared/core/time';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import type { RefreshView } from '@authmesh/shared/protocol/lease';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import { isBusy } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { isOutrun } from '../recollection.ts';
import type { AccountRecord, HistoryRecord } from '../record.ts';
import type { CoordinatorState, Session } from '../state.ts';
import { give } from './grant.ts';
import { holdersOf } from './holders.ts';
import type { Halt } from './refresh-record.ts';
import { haltOf, leaseOf, renewableOf } from './standing.ts';

/**
 * An operator wants a login refreshed now: before its time, and also where it is in doubt or was refused before. The answer
 * comes when the lease is durable.
 */
export function refreshNow(
  state: CoordinatorState,
  session: Session,
  request: number,
  account: AccountId,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const answer = (body: AnswerBody) =>
    void effects.push({ type: 'send', link: session.link, message: { type: 'answer', request, body } });
  const refuse = (code: string, message: string) => answer({ type: 'problem', code, message });
  const entry = state.accounts.get(account);
  if (!entry) return refuse('ERR_UNKNOWN_ACCOUNT', 'the fleet has no such account');
  const current = renewableOf(entry.record);
  if (!current) return refuse('ERR_NOT_REFRESHED', 'it has no refresh token, or no end: there is nothing to refresh');
  if (!state.leases.isOpen) {
    return refuse(
      'ERR_BUSY',
      'the coordinator has just started, and waits for what the nodes know: try again in a moment',
    );
  }
  const lease = leaseOf(entry.record);
  if (lease) return refuse('ERR_REFRESHING', `${nameOf(state, lease.node)} is refreshing it already`);
  if (isBusy(state, entry)) return refuse('ERR_BUSY', 'it is being changed right now: try again');
  // An operator's word goes above what a node that is gone once knew; for this attempt, if there is one.
  const { outrun } = state.leases;
  const ahead = outrun.get(account);
  outrun.delete(account);
  const why = give(state, entry, current, at, effects);
  if (why !== undefined && ahead) outrun.set(account, ahead);
  if (why !== undefined) return refuse('ERR_NOT_REFRESHED', `nobody can refresh it now: ${why}`);
  state.leases.asked.set(account, { link: session.link, request });
}

/** How the refreshing of an account stands, where there is anything to say. */
export function refreshViewOf(state: CoordinatorState, record: AccountRecord): RefreshView | undefined {
  const lease = leaseOf(record);
  if (lease) {
    const node = nameOf(state, lease.node);
    return { state: 'refreshing', node, since: lease.since, why: `${node} is refreshing it` };
  }
  const current = renewableOf(record);
  const halt = haltOf(record);
  if (halt) {
    const why = `${halt.why}${suspicion(state, record, halt)}`.slice(0, sentenceCharsMax);
    return { state: halt.state, by: halt.by, node: nameOf(state, halt.node), since: halt.since, why };
  }
  const departed = current && state.leases.departed.get(current.refresh as Fingerprint);
  if (departed && holdersOf(state, record.account, current).length === 0) {
    const why = `its refresh token stayed with ${departed.node}, which left the fleet`;
    return { state: 'needs-login', node: departed.node, since: departed.since, why };
  }
  const ahead = isOutrun(state, record.account) ? state.leases.outrun.get(record.account) : undefined;
  if (ahead) {
    const node = nameOf(state, ahead.node);
    return { state: 'postponed', node, since: ahead.since, why: `${node} knows a later login, and has not told it` };
  }
  const waits = state.leases.waits.get(record.account);
  const dueAt = current && refreshDueAt(current);
  if (waits !== undefined && current && dueAt !== undefined && dueAt !== null && dueAt <= state.at)
    return {
      state: 'postponed',
      node: nameOf(state, current.home),
      since: dueAt,
      why: `nobody can refresh it now: ${waits}`,
    };
  const tries = state.leases.tries.get(record.account);
  if (!tries || tries.access !== current?.access) return undefined;
  const { node, since, why, failures } = tries;
  return { state: 'postponed', node: nameOf(state, node), since, why, failures: failures || undefined };
}

/**
 * Who may have used a spent refresh token of the login, where the provider takes the current one no more: a host that woke with
 * an ancestor of it, whose OpenClaw may have been faster than its agent (RFC 9700, 4.14.2: the second use ends the login for all).
 */
function suspicion(state: CoordinatorState, { history, current }: AccountRecord, { state: halted }: Halt): string {
  if (halted !== 'needs-login' || !current) return '';
  const isSuspect = ({ verdict, refresh, at }: HistoryRecord) =>
    verdict === 'stale' && refresh !== undefined && refresh !== current.refresh && at >= current.acceptedAt;
  const entry = history.findLast(isSuspect);
  if (!entry) return '';
  const name = nameOf(state, entry.origin);
  return `; ${name} has come back with an older pair of it since: an OpenClaw that used that has ended the login for all`;
}

function nameOf({ nodes }: CoordinatorState, id: Parameters<CoordinatorState['nodes']['get']>[0]): string {
  return nodes.get(id)?.record.name ?? 'a node that is gone';
}
