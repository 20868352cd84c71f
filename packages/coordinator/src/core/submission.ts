import type { AccountId, NodeId } from '@authmesh/shared/core/identifiers';
import { accountLabel, accountProvider } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { passesFilter } from '@authmesh/shared/core/patterns';
import type { Instant } from '@authmesh/shared/core/time';
import type { Judgement } from '@authmesh/shared/protocol/down';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { announceDurable } from './announcement.ts';
import { commit, isBusy, openAccount, postpone } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { unfitSentences, verdictSentences } from './explanation.ts';
import { tellOtherHolders } from './holding.ts';
import { recordJudgement, recordReport } from './judgement.ts';
import { judgeObservation } from './ledger.ts';
import { isLinked } from './linkage.ts';
import type { AccountRecord } from './record.ts';
import { rollBack } from './rollback.ts';
import type { AccountEntry, CoordinatorState, Offer, Session, Submission } from './state.ts';

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
  if (!passesFilter(state.policy, { provider: accountProvider(account), account: accountLabel(account), profile })) {
    recordJudgement(state, session.link, observation, 'ignored', 'the fleet’s `sync.profiles` leaves it out', effects);
    return;
  }
  if (health !== 'sound') {
    const verdict = unfitVerdict(state, session, observation);
    effects.push(note('credential-unfit', { account, profile, node: session.node, why: health }));
    recordJudgement(state, session.link, observation, verdict, unfitSentences[health], effects);
    return;
  }
  submit(state, { type: 'judge', link: session.link, observation, offer }, account, at, effects);
}

/** An unusable login is healed, but not where only a profile's name says whose it is: that could mix accounts. */
function unfitVerdict(
  state: CoordinatorState,
  session: Session,
  { account, health, identity, store }: Observation,
): Judgement['verdict'] {
  if (health === 'fence-pending' || health === 'quarantined') return 'waits';
  const record = state.accounts.get(account)?.record;
  const linked = record !== undefined && isLinked(record, session.node, store);
  return identity === 'account' || linked ? 'unfit' : 'unlinked';
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
  const entry: AccountEntry = { record, lineage, storeRevision, waiting: before.waiting };
  state.accounts.set(account, entry);
  if (announces) announceDurable(entry, cause, effects);
  if (cause) answerCause(state, entry, cause, at, effects);
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
  const lineage = { current: record.current, ancestors: new Set(record.ancestors), spent: new Set(record.spent) };
  state.accounts.set(record.account, { record, lineage, storeRevision, waiting });
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

function linkCopies(
  state: CoordinatorState,
  entry: AccountEntry,
  submission: Extract<Submission, { type: 'link' }>,
  effects: CoordinatorEffect[],
): void {
  const linked = [...new Set([...entry.record.linked, ...submission.nodes])];
  effects.push(note('copies-linked', { account: entry.record.account }));
  commit(
    state,
    entry,
    { record: { ...entry.record, linked }, lineage: entry.lineage, announces: false, cause: submission },
    effects,
  );
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
