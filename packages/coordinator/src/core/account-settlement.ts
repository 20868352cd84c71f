import type { AccountId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import { announceDurable } from './announcement.ts';
import { auditOfChange } from './audit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { verdictSentences } from './explanation.ts';
import { tellFree, tellOtherHolders } from './holding.ts';
import { recordJudgement } from './judgement.ts';
import { refuseAsked, replan, sendLease } from './lease/grant.ts';
import { settle } from './lease/outcome.ts';
import { noteSpender, noteSpent } from './lease/spenders.ts';
import { takeEarly } from './recollection.ts';
import type { AccountRecord } from './record.ts';
import { setAsideBefore } from './set-aside.ts';
import { type AccountEntry, type CoordinatorState, createAccountEntry } from './state.ts';
import { judgeAgain, resume, submit } from './submission.ts';
import type { Submission } from './waiting.ts';

/** A change of an account is durable: it becomes the record, is told, and makes room for the next. */
export function settleAccount(
  state: CoordinatorState,
  account: AccountId,
  storeRevision: number,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const before = state.accounts.get(account);
  if (!before?.pending) return;
  const { record, lineage, announces, cause } = before.pending;
  const entry: AccountEntry = { ...before, record, lineage, storeRevision, pending: undefined };
  state.accounts.set(account, entry);
  if (lineage !== before.lineage) noteSpent(state, before.lineage.spent, record);
  const refresh = record.current?.refresh;
  if (refresh !== undefined && refresh !== before.record.current?.refresh) noteSpender(state, account, refresh);
  for (const audited of auditOfChange(before.record, record, at)) effects.push({ type: 'audit', entry: audited });
  if (announces) announceDurable(entry, cause, effects);
  if (before.record.current?.access === record.current?.access) tellFree(state, account, effects);
  else {
    // What was said was about another login, of which the announcement is the last word.
    state.leases.toldInUse.delete(account);
    state.leases.waits.delete(account);
  }
  replan(state, account);
  entry.waiting.unshift(...takeEarly(state, account));
  if (cause) answerCause(state, entry, cause, at, effects);
  for (const { link, observation } of before.record.current ? [] : setAsideBefore(state, account))
    submit(state, { type: 'judge', link, observation }, account, at, effects);
  resume(state, account, at, effects);
}

/** Another writer changed the record first: its version stands, and the change is judged again on top of it. */
export function supersedeAccount(
  state: CoordinatorState,
  record: AccountRecord,
  storeRevision: number,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const before = state.accounts.get(record.account);
  const waiting = before?.waiting ?? [];
  if (before?.pending?.cause) waiting.unshift(before.pending.cause);
  refuseAsked(state, record.account, effects);
  state.accounts.set(record.account, { ...createAccountEntry(record, storeRevision), waiting });
  effects.push(note('persist-conflicted', { account: record.account }));
  noteSpent(state, before?.lineage.spent ?? new Set(), record);
  replan(state, record.account);
  waiting.unshift(...takeEarly(state, record.account));
  resume(state, record.account, at, effects);
}

function answerCause(
  state: CoordinatorState,
  entry: AccountEntry,
  cause: Submission,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { current } = entry.record;
  if (cause.type === 'judge') {
    recordJudgement(state, cause.link, cause.observation, 'in-step', verdictSentences.same, effects);
    const by = state.sessions.get(cause.link)?.node;
    if (by !== undefined) tellOtherHolders(state, entry.record.account, by, effects);
    return;
  }
  if (cause.type === 'lease') return sendLease(state, entry, at, effects);
  if (cause.type === 'renewal' || cause.type === 'miss') return settle(effects, cause.link, cause.message);
  if (cause.type !== 'link' && cause.type !== 'rollback' && cause.type !== 'home') return;
  if (cause.type === 'link') {
    effects.push({
      type: 'send',
      link: cause.link,
      message: { type: 'answer', request: cause.request, body: { type: 'linked', nodes: [...cause.nodes] } },
    });
    judgeAgain(state, entry.record.account, cause.nodes, at, effects);
    return;
  }
  if (current) {
    effects.push({
      type: 'send',
      link: cause.link,
      message: { type: 'answer', request: cause.request, body: { type: 'published', position: current.position } },
    });
  }
}
