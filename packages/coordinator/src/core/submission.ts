import { type AccountId, copyKey, type NodeId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Position } from '@authmesh/shared/core/position';
import type { Instant } from '@authmesh/shared/core/time';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { isBusy, openAccount, postpone } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { unfitSentences } from './explanation.ts';
import { tellAllHolders } from './holding.ts';
import { moveHome } from './homing.ts';
import { recordJudgement, recordReport } from './judgement.ts';
import { fenceReported } from './lease/fences.ts';
import { leaseTaken, replan } from './lease/grant.ts';
import { doubtByOpenclaw } from './lease/halt.ts';
import { leaseUntaken, missReceived, renewalReceived } from './lease/outcome.ts';
import { wake } from './lease/service.ts';
import { vouched } from './lease/vaulting.ts';
import { judgeObservation } from './ledger.ts';
import { linkCopies } from './linkage.ts';
import { takesPart } from './policy.ts';
import { isEarly, recollected } from './recollection.ts';
import { rollBack } from './rollback.ts';
import { isNewlySetAside, unfitVerdict } from './set-aside.ts';
import type { CoordinatorState, Session } from './state.ts';
import type { Offer, Submission } from './waiting.ts';

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
  if (isArrival(state, session, observation)) {
    const acceptedAt = state.accounts.get(account)?.record.current?.acceptedAt ?? at;
    effects.push({ type: 'propagated', afterMs: Math.max(0, at - acceptedAt) });
  }
  recordReport(state, session.link, observation, at);
  fenceReported(state, session, observation);
  wake(state, account, at);
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
    if (health === 'fence-failed' && observation.spends !== undefined)
      submit(state, { type: 'doubt', link: session.link, observation }, account, at, effects);
    return;
  }
  submit(state, { type: 'judge', link: session.link, observation, offer }, account, at, effects);
}

/** Whether a copy of another host than the login's own is the current one now, and was not before. */
function isArrival({ accounts, nodes }: CoordinatorState, { node }: Session, observation: Observation): boolean {
  const current = accounts.get(observation.account)?.record.current;
  if (!current || current.access !== observation.access || current.origin === node) return false;
  const before = nodes.get(node)?.copies.get(copyKey(observation.store, observation.profile));
  return before !== undefined && before.observation.access !== observation.access;
}

/** A node's disk holds an account's record as it was announced at this position. */
export function nodeKnows(
  state: CoordinatorState,
  node: NodeId,
  account: AccountId,
  position: Position,
  effects: CoordinatorEffect[],
): void {
  if (vouched(state, node, account, position)) tellAllHolders(state, account, effects);
}

/** Carries a submission out, or lets it wait for its account. */
export function submit(
  state: CoordinatorState,
  submission: Submission,
  account: AccountId,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  if (isEarly(state, account, submission)) return;
  const entry = state.accounts.get(account);
  if (isBusy(state, entry)) {
    if (entry) postpone(entry, submission, effects);
    else if (submission.type === 'judge') postpone(openAccount(state, submission.observation), submission, effects);
    return;
  }
  carryOut(state, submission, at, effects);
}

function carryOut(state: CoordinatorState, submission: Submission, at: Instant, effects: CoordinatorEffect[]): void {
  if (submission.type === 'lease') return replan(state, submission.account);
  const session = state.sessions.get(submission.link);
  if (submission.type === 'judge') {
    if (session) judgeObservation(state, session, submission.observation, submission.offer, at, effects);
    return;
  }
  const entry = state.accounts.get(accountOf(submission));
  if (!entry) return;
  // What a node has said of a lease counts, though its link is gone since.
  if (submission.type === 'renewal') return renewalReceived(state, entry, submission, submission.message, at, effects);
  if (submission.type === 'miss') return missReceived(state, entry, submission, submission.message, at, effects);
  if (submission.type === 'taken') return leaseTaken(state, entry, submission, submission.lease, at, effects);
  if (!session) return;
  switch (submission.type) {
    case 'link':
      return linkCopies(state, entry, submission, effects);
    case 'home':
      return moveHome(state, entry, session, submission, at, effects);
    case 'rollback':
      return rollBack(state, entry, session, submission, at, effects);
    case 'doubt':
      return doubtByOpenclaw(state, entry, session, submission.observation, at, effects);
    case 'recollection':
      return recollected(state, entry, session, submission, at, effects);
    case 'untaken':
      return leaseUntaken(state, entry, session, submission.epoch, effects);
    default:
      submission satisfies never;
  }
}

function accountOf(submission: Exclude<Submission, { type: 'judge' }>): AccountId {
  if ('message' in submission) return submission.message.account;
  if ('observation' in submission) return submission.observation.account;
  if ('lease' in submission) return submission.lease.account;
  return 'facts' in submission ? submission.facts.account : submission.account;
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
