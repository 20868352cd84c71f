import type { AccountId, NodeId, ProfileId } from '@authmesh/shared/core/identifiers';
import { accountLabel, accountProvider } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { passesAll, passesFilter } from '@authmesh/shared/core/patterns';
import type { Instant } from '@authmesh/shared/core/time';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { announceDurable } from './announcement.ts';
import { isBusy, openAccount, postpone } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { unfitSentences, verdictSentences } from './explanation.ts';
import { tellOtherHolders } from './holding.ts';
import { recordJudgement, recordReport } from './judgement.ts';
import { judgeObservation } from './ledger.ts';
import { linkCopies } from './linkage.ts';
import type { AccountRecord } from './record.ts';
import { rollBack } from './rollback.ts';
import { isNewlySetAside, setAsideBefore, unfitVerdict } from './set-aside.ts';
import {
  type AccountEntry,
  type CoordinatorState,
  createAccountEntry,
  type Offer,
  type Session,
  type Submission,
} from './state.ts';

/** Takes a report of one copy: keeps it, and judges it now or when its account is free. */
export function submitObservation(
  state: CoordinatorState,
  session: Session,
  observation: Observation,
  offer: Offer | undefined,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { account, profile, health } = observation;
  recordReport(state, session.link, observation, at);
  if (!takesPart(state, account, profile)) {
    recordJudgement(state, session.link, observation, 'ignored', 'the fleet’s `sync.profiles` leaves it out', effects);
    return;
  }
  if (health !== 'sound') {
    const verdict = unfitVerdict(state, session, observation);
    effects.push(note('credential-unfit', { account, profile, node: session.node, why: health }));
    recordJudgement(state, session.link, observation, verdict, unfitSentences[health], effects);
    if (verdict === 'unfit' && isNewlySetAside(state, session, observation))
      submit(state, { type: 'judge', link: session.link, observation }, account, at, effects);
    return;
  }
  submit(state, { type: 'judge', link: session.link, observation, offer }, account, at, effects);
}

function takesPart({ policy }: CoordinatorState, account: AccountId, profile: ProfileId): boolean {
  if (passesAll(policy)) return true;
  return passesFilter(policy, { provider: accountProvider(account), account: accountLabel(account), profile });
}

/** Carries a submission out, or lets it wait for its account. */
export function submit(
  state: CoordinatorState,
  submission: Submission,
  account: AccountId,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const entry = state.accounts.get(account);
  if (isBusy(state, entry)) {
    if (entry) postpone(entry, submission, effects);
    else if (submission.type === 'judge') postpone(openAccount(state, submission.observation), submission, effects);
    return;
  }
  carryOut(state, submission, at, effects);
}

function carryOut(state: CoordinatorState, submission: Submission, at: Instant, effects: CoordinatorEffect[]): void {
  const session = state.sessions.get(submission.link);
  if (!session) return;
  if (submission.type === 'judge') {
    judgeObservation(state, session, submission.observation, submission.offer, at, effects);
    return;
  }
  const entry = state.accounts.get(submission.account);
  if (!entry) return;
  if (submission.type === 'link') linkCopies(state, entry, submission, effects);
  else rollBack(state, entry, session, submission, at, effects);
}

/** Goes on with what waited for an account, until something is on its way to the store again. */
export function resume(state: CoordinatorState, account: AccountId, at: Instant, effects: CoordinatorEffect[]): void {
  for (;;) {
    const entry = state.accounts.get(account);
    if (!entry || isBusy(state, entry)) return;
    const next = entry.waiting.shift();
    if (!next) return;
    carryOut(state, next, at, effects);
  }
}

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
  if (announces) announceDurable(entry, cause, effects);
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
  state.accounts.set(record.account, { ...createAccountEntry(record, storeRevision), waiting });
  effects.push(note('persist-conflicted', { account: record.account }));
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

/** Looks again at the copies of these nodes, as they last reported them. */
export function judgeAgain(
  state: CoordinatorState,
  account: AccountId,
  nodes: Iterable<NodeId>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  for (const id of nodes) {
    const node = state.nodes.get(id);
    const session = node?.link === undefined ? undefined : state.sessions.get(node.link);
    if (!node || !session) continue;
    const copies: Observation[] = [];
    for (const copy of node.copies.values()) if (copy.observation.account === account) copies.push(copy.observation);
    for (const observation of copies) submitObservation(state, session, observation, undefined, at, effects);
  }
}
