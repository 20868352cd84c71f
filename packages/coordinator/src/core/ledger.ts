import type { Verdict } from '@authmesh/shared/core/freshness';
import { adjudicate } from '@authmesh/shared/core/freshness';
import type { NodeId } from '@authmesh/shared/core/identifiers';
import type { Candidate } from '@authmesh/shared/core/lineage';
import { note } from '@authmesh/shared/core/notes';
import type { Acceptance } from '@authmesh/shared/core/succession';
import { type Instant, shiftExpiry } from '@authmesh/shared/core/time';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { acceptedChange, generationMin, isOutranked, movedOn } from './acceptance.ts';
import { commit, moveOn, openAccount } from './commit.ts';
import { datedAnew, withEnd } from './dating.ts';
import type { CoordinatorEffect } from './effect.ts';
import type { LinkId } from './event.ts';
import { verdictSentences } from './explanation.ts';
import { isRecorded, nextRevision, withSighting } from './history.ts';
import { inUseOf, safetyOf, tellOtherHolders } from './holding.ts';
import { recordJudgement } from './judgement.ts';
import { copyLink, isLinked } from './linkage.ts';
import type { HistoryVerdict } from './record.ts';
import { rememberSetAside } from './set-aside.ts';
import type { AccountEntry, CoordinatorState, Session } from './state.ts';
import type { Offer } from './waiting.ts';

/*
 * The ledger places what nodes report in the lineage of its account (shared/core/freshness.ts). Metadata comes first:
 * a credential that would be accepted, or that an operator may want back, is asked for when it came without its record.
 */

/** Judges one observation, or notes that it was set aside. The account has nothing pending. */
export function judgeObservation(
  state: CoordinatorState,
  session: Session,
  observation: Observation,
  offer: Offer | undefined,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const entry = state.accounts.get(observation.account) ?? openAccount(state, observation);
  const { health } = observation;
  if (health !== 'sound') return rememberSetAside(state, entry, session, { ...observation, health }, at, effects);
  const candidate = candidateOf(entry, session, observation);
  if (!candidate) return;
  const least = generationMin(state, entry, candidate.access);
  const verdict = isOutranked(state, entry, candidate)
    ? ({ kind: 'accepted', why: 'resealed' } as const)
    : adjudicate(entry.lineage, candidate, at);
  switch (verdict.kind) {
    case 'in-step':
    case 'stale': {
      tell(state, session.link, observation, verdict, effects);
      const isCurrent = verdict.kind === 'in-step';
      if (isCurrent) tellOtherHolders(state, observation.account, session.node, effects);
      const moved = isCurrent ? datedAnew(state, entry, session, candidate) : movedOn(state, entry, candidate);
      if (moved) moveOn(state, entry, moved, effects);
      else settleKnown(state, entry, candidate, observation, verdict, at, effects);
      return;
    }
    case 'accepted':
      if (!offer || offer.generation < least) ask(state, session.link, observation, least, effects);
      else accept(state, entry, session, candidate, observation, offer, verdict, at, effects);
      return;
    case 'parallel':
    case 'unlinked': {
      const known = isRecorded(entry.record, sightingKey(candidate, verdict.kind));
      // Asked for once, so that `restore` can choose it; the judgement itself does not wait for it.
      if (!known && !offer) ask(state, session.link, observation, least, effects);
      else tell(state, session.link, observation, verdict, effects);
      if (!known && offer) {
        effects.push(
          note(
            verdict.kind === 'parallel' ? 'credential-parallel' : 'credential-unlinked',
            noteOf(observation, session),
          ),
        );
        remember(state, entry, candidate, observation, verdict, at, effects, offer);
      }
      return;
    }
    default:
      verdict satisfies never;
  }
}

function candidateOf(entry: AccountEntry, session: Session, observation: Observation): Candidate | undefined {
  const { access, refresh, expiresAt, issuedAt, chain, announced, identity } = observation;
  if (access === undefined) return undefined;
  return {
    node: session.node,
    access,
    refresh,
    expiresAt: shiftExpiry(expiresAt, -session.clockOffsetMs),
    issuedAt,
    chain: chain.map(held => withEnd(held, session)),
    announced,
    linked: identity === 'account' || isLinked(entry.record, session.node, observation.store),
  };
}

/** Equal fingerprints link by themselves; a stale one is noted in the history once. */
function settleKnown(
  state: CoordinatorState,
  entry: AccountEntry,
  candidate: Candidate,
  observation: Observation,
  verdict: Extract<Verdict, { kind: 'in-step' | 'stale' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  if (verdict.kind === 'stale') {
    if (isRecorded(entry.record, sightingKey(candidate, 'stale'))) return;
    effects.push(note('credential-stale', { ...noteOf(observation, candidate), why: verdict.why }));
    remember(state, entry, candidate, observation, verdict, at, effects);
  } else if (!candidate.linked) {
    const record = { ...entry.record, linked: [...entry.record.linked, copyLink(candidate.node, observation.store)] };
    commit(state, entry, { record, lineage: entry.lineage, announces: false }, effects);
  }
}

function remember(
  state: CoordinatorState,
  entry: AccountEntry,
  candidate: Candidate,
  observation: Observation,
  verdict: Extract<Verdict, { kind: HistoryVerdict }>,
  at: Instant,
  effects: CoordinatorEffect[],
  offer?: Offer,
): void {
  const record = withSighting(entry.record, {
    access: candidate.access,
    refresh: candidate.refresh,
    expiresAt: candidate.expiresAt,
    issuedAt: observation.issuedAt,
    origin: candidate.node,
    at,
    verdict: verdict.kind,
    why: verdictSentences[verdict.why],
    sealed: offer?.sealed,
  });
  commit(state, entry, { record, lineage: entry.lineage, announces: false }, effects);
}

function accept(
  state: CoordinatorState,
  entry: AccountEntry,
  session: Session,
  candidate: Candidate,
  observation: Observation,
  offer: Offer,
  verdict: Extract<Verdict, { kind: 'accepted' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const acceptance: Acceptance = {
    why: verdict.why,
    position: {
      epoch: state.fleet.record.epoch,
      revision: nextRevision(entry.record, candidate.announced?.position.revision),
    },
    generation: offer.generation,
  };
  if (verdict.why === 'issued-later') effects.push(note('conflict-settled', noteOf(observation, session)));
  const change = acceptedChange(entry, candidate, observation, acceptance, offer, at);
  const cause = { type: 'judge', link: session.link, observation } as const;
  commit(state, entry, { ...change, announces: true, cause }, effects);
}

function tell(
  state: CoordinatorState,
  link: LinkId,
  observation: Observation,
  verdict: Exclude<Verdict, { kind: 'accepted' }>,
  effects: CoordinatorEffect[],
): void {
  const { account } = observation;
  const safety = verdict.kind === 'in-step' ? safetyOf(state, account) : inUseOf(state, account);
  recordJudgement(state, link, observation, verdict.kind, verdictSentences[verdict.why], effects, safety);
}

function ask(
  state: CoordinatorState,
  link: LinkId,
  observation: Observation,
  least: number,
  effects: CoordinatorEffect[],
): void {
  recordJudgement(state, link, observation, 'wanted', 'the coordinator asks for this login', effects, {
    generation: least,
  });
}

function sightingKey(candidate: Candidate, verdict: HistoryVerdict) {
  return { access: candidate.access, origin: candidate.node, verdict };
}

function noteOf(observation: Observation, by: { readonly node: NodeId }) {
  return { account: observation.account, profile: observation.profile, node: by.node };
}
