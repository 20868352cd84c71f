import { adjudicate } from '@authmesh/shared/core/freshness';
import type { AccountId, NodeId } from '@authmesh/shared/core/identifiers';
import type { Candidate } from '@authmesh/shared/core/lineage';
import { comparePositions, type Position } from '@authmesh/shared/core/position';
import type { Instant } from '@authmesh/shared/core/time';
import type { Recollection } from '@authmesh/shared/protocol/lease';
import { acceptedChange, generationMin } from './acceptance.ts';
import { commit, moveOn } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { nextRevision } from './history.ts';
import type { AccountEntry, CoordinatorState, Session } from './state.ts';
import type { Submission } from './waiting.ts';

/*
 * A coordinator whose store came back from a backup learns from its nodes what it has forgotten. Stores tell of what they
 * hold; a refresh token that stands in no store is in the vaults alone, with the record as it was announced.
 */

/** More of one account says nothing new. */
const earlyMax = 100;

/** A node knows a later login of the account than this store does: until it has told which, none is refreshed. */
export function outrun(state: CoordinatorState, node: NodeId, account: AccountId, position: Position): boolean {
  if (!isLater(state.accounts.get(account), position)) return false;
  const known = state.leases.outrun.get(account);
  if (known === undefined || comparePositions(position, known.position) > 0)
    state.leases.outrun.set(account, { position, node, since: state.at });
  return true;
}

/** Whether some node knows a later login of the account than this store does. */
export function isOutrun(state: CoordinatorState, account: AccountId): boolean {
  const known = state.leases.outrun.get(account);
  if (known === undefined) return false;
  const isAhead = isLater(state.accounts.get(account), known.position);
  if (!isAhead) state.leases.outrun.delete(account);
  return isAhead;
}

/**
 * Keeps what is said of a lease for when the login is known that it was about; whether it has to wait. It would seem to be
 * about a login that is none of the account's, and that login be leased once more.
 */
export function isEarly(state: CoordinatorState, account: AccountId, submission: Submission): boolean {
  const isAboutLease = submission.type === 'renewal' || submission.type === 'miss' || submission.type === 'taken';
  if (!isAboutLease || !isOutrun(state, account)) return false;
  const waiting = (state.leases.early.get(account) ?? []).filter(other => !isSameWord(other, submission));
  state.leases.early.set(account, [...waiting, submission].slice(-earlyMax));
  return true;
}

/** What a node tells again on each link is one word. */
function isSameWord(one: Submission, other: Submission): boolean {
  if (one.type !== other.type || !('node' in one) || !('node' in other) || one.node !== other.node) return false;
  return 'message' in one && 'message' in other ? one.message.epoch === other.message.epoch : true;
}

/** What has waited for the account's login to be known, once it is. */
export function takeEarly(state: CoordinatorState, account: AccountId): readonly Submission[] {
  const waiting = state.leases.early.get(account);
  if (!waiting || isOutrun(state, account)) return [];
  state.leases.early.delete(account);
  return waiting;
}

function isLater(entry: AccountEntry | undefined, position: Position): boolean {
  const current = entry?.record.current;
  if (current === undefined) return true;
  const { recoveredFrom } = current;
  // A place of an epoch that began after the store was put back was given by this store. Any other is held against where the login stood then.
  const isOurs = recoveredFrom === undefined || recoveredFrom.epoch < position.epoch;
  const ours = isOurs && position.epoch === current.position.epoch ? current.position : recoveredFrom;
  return comparePositions(position, ours ?? current.position) > 0;
}

/** A node gives back what was announced to it once. */
export function recollected(
  state: CoordinatorState,
  entry: AccountEntry,
  session: Session,
  { facts, sealed }: Pick<Recollection, 'facts' | 'sealed'>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { record } = entry;
  const { account, access, refresh, expiresAt, issuedAt, position, home, origin, restored, generation } = facts;
  // A store may have brought the login back already, without the refresh token that it does not hold.
  const completes = record.current?.access === access && record.current.refresh === undefined && refresh !== undefined;
  if (!isOutrun(state, account) && !completes) return;
  const candidate: Candidate = {
    ...{ node: origin, access, refresh, expiresAt, issuedAt, chain: [], linked: true },
    announced: { position, home, origin, restored },
  };
  const { epoch } = state.fleet.record;
  const next = { epoch, revision: nextRevision(record, position.revision) };
  const verdict = adjudicate(entry.lineage, candidate, at);
  if (verdict.kind === 'accepted' && generation >= generationMin(state, entry, access)) {
    const acceptance = { why: verdict.why, position: next, generation };
    const change = acceptedChange(entry, candidate, { profile: facts.profile }, acceptance, { generation, sealed }, at);
    const cause = { type: 'recollection', link: session.link, facts, sealed } as const;
    return commit(state, entry, { ...change, announces: true, cause }, effects);
  }
  // What this store has is the later one all the same: it moves beyond, so that every node hears it.
  const { current } = record;
  if (!current || comparePositions(next, position) <= 0) return;
  const moved = { ...current, position: next, recoveredFrom: position };
  moveOn(state, entry, { ...record, current: moved }, effects);
}
