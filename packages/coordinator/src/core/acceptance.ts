import type { Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Candidate } from '@authmesh/shared/core/lineage';
import { comparePositions } from '@authmesh/shared/core/position';
import { type Acceptance, succeed } from '@authmesh/shared/core/succession';
import type { Instant } from '@authmesh/shared/core/time';
import type { Change } from './commit.ts';
import { verdictSentences } from './explanation.ts';
import { nextRevision, withSighting } from './history.ts';
import { copyLink, isLinked } from './linkage.ts';
import type { AccountRecord } from './record.ts';
import type { AccountEntry, CoordinatorState } from './state.ts';
import type { Offer } from './waiting.ts';

/** The record and the lineage with the candidate as their current credential. */
export function acceptedChange(
  entry: AccountEntry,
  candidate: Candidate,
  as: { readonly profile: ProfileId; readonly store?: StoreId | undefined },
  acceptance: Acceptance,
  offer: Offer,
  at: Instant,
): Pick<Change, 'record' | 'lineage'> {
  const lineage = succeed(entry.lineage, candidate, acceptance);
  const { current } = lineage;
  if (!current) return { record: entry.record, lineage };
  const why = isStillRestored(entry.record, candidate, acceptance) ? 'restored' : acceptance.why;
  const before = entry.record.current;
  // Sealed anew, completed or given back it is the login that the fleet has had.
  const isAnother = acceptance.why === 'renewed' || acceptance.why === 'restored';
  const acceptedAt = before?.access === current.access && !isAnother ? before.acceptedAt : at;
  const isKnown = as.store === undefined || isLinked(entry.record, candidate.node, as.store);
  const linked = isKnown ? entry.record.linked : [...entry.record.linked, copyLink(candidate.node, as.store)];
  const record = withSighting(
    {
      ...entry.record,
      profile: as.profile,
      current: { ...current, acceptedAt, why, sealed: offer.sealed },
      ancestors: [...lineage.ancestors],
      spent: [...lineage.spent],
      linked,
    },
    {
      access: current.access,
      refresh: current.refresh,
      expiresAt: current.expiresAt,
      issuedAt: current.issuedAt,
      origin: current.origin,
      at,
      verdict: 'accepted',
      why: verdictSentences[acceptance.why],
      revision: current.position.revision,
      sealed: offer.sealed,
    },
  );
  return { record, lineage };
}

/** What an operator took the fleet back to stays that, though the store that knew it was put back from a backup. */
function isStillRestored({ current }: AccountRecord, { access, announced }: Candidate, { why }: Acceptance): boolean {
  if (current?.access === access) return current.why === 'restored';
  return announced?.restored === true && (why === 'first' || why === 'recovered' || why === 'resealed');
}

/** The highest generation of an account, as announced or as a node knows it: a rollback goes above it. */
export function highestGeneration(state: CoordinatorState, { record }: AccountEntry): number {
  return Math.max(record.current?.generation ?? 0, state.generations.get(record.account) ?? 0);
}

/** The least generation that every node takes of this login: above the current one's, unless it is the current one. */
export function generationMin(state: CoordinatorState, { record }: AccountEntry, access: Fingerprint): number {
  const { current } = record;
  const own = current === undefined ? 1 : current.generation + (current.access === access ? 0 : 1);
  return Math.max(own, state.generations.get(record.account) ?? 1);
}

/** The least generation that every node takes of a login that is to follow the current one. */
export function nextGeneration(state: CoordinatorState, entry: AccountEntry): number {
  return highestGeneration(state, entry) + 1;
}

/**
 * A coordinator that came back from a backup may announce in a generation that some node has gone beyond and refuses.
 * Only a node that holds the current login, and knows of none after it, can vouch for it again.
 */
export function isOutranked(state: CoordinatorState, entry: AccountEntry, candidate: Candidate): boolean {
  const { current } = entry.record;
  if (current?.access !== candidate.access || current.refresh !== candidate.refresh) return false;
  if (current.generation >= generationMin(state, entry, current.access)) return false;
  return candidate.announced !== undefined && comparePositions(candidate.announced.position, current.position) >= 0;
}

/**
 * A node that knows a stale login at the place of the current one, or after it, comes from before the coordinator's store
 * was put back, and hears nothing that is told at this place. The current one moves beyond; what other nodes remember from
 * that time is still compared with the place that it had. Below a generation that it has applied the node would hear
 * nothing either: then whoever holds the current login seals it anew.
 */
export function movedOn(
  state: CoordinatorState,
  entry: AccountEntry,
  { access, announced }: Candidate,
): AccountRecord | undefined {
  const { record } = entry;
  const { current } = record;
  if (!current || !announced || access === current.access) return undefined;
  if (comparePositions(announced.position, current.position) < 0) return undefined;
  if (current.generation < generationMin(state, entry, current.access)) return undefined;
  const { epoch } = state.fleet.record;
  const position = { epoch, revision: nextRevision(record, announced.position.revision) };
  // A place in an epoch that no inventory has told of is none of this fleet's.
  if (comparePositions(position, announced.position) <= 0) return undefined;
  return { ...record, current: { ...current, position, recoveredFrom: current.recoveredFrom ?? current.position } };
}
