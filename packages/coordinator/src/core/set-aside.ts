import type { AccountId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { Judgement } from '@authmesh/shared/protocol/down';
import type { Health, Observation } from '@authmesh/shared/protocol/observation';
import { commit } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import type { LinkId } from './event.ts';
import { unfitSentences } from './explanation.ts';
import { isRecorded, withSighting } from './history.ts';
import { isLinked } from './linkage.ts';
import type { AccountEntry, CoordinatorState, Session } from './state.ts';

/*
 * A login that cannot be anybody's (empty tokens, an expiry that cannot be, the marker of a failed refresh) is set aside:
 * it never wins and is healed. What was found stands in the history once, for whoever asks later what became of a host's
 * login. It has no record, so nobody can go back to it.
 */

/** An unusable login is healed, but not where only a profile's name says whose it is: that could mix accounts. */
export function unfitVerdict(
  state: CoordinatorState,
  session: Session,
  { account, health, identity, store }: Observation,
): Judgement['verdict'] {
  if (health === 'fence-pending' || health === 'quarantined') return 'waits';
  const record = state.accounts.get(account)?.record;
  const linked = record !== undefined && isLinked(record, session.node, store);
  return identity === 'account' || linked ? 'unfit' : 'unlinked';
}

/** Whether the history has to be told; for an account that the fleet does not have there is none. */
export function isNewlySetAside(state: CoordinatorState, { node }: Session, { account, access }: Observation): boolean {
  const entry = state.accounts.get(account);
  return entry !== undefined && !isRecorded(entry.record, { access, origin: node, verdict: 'quarantined' });
}

/** What connected hosts reported of an account before the fleet had it: whoever reports first, the history is the same. */
export function setAsideBefore(
  state: CoordinatorState,
  account: AccountId,
): { readonly link: LinkId; readonly observation: Observation }[] {
  const found: { link: LinkId; observation: Observation }[] = [];
  for (const { link, copies } of state.nodes.values()) {
    if (link === undefined) continue;
    for (const { observation, verdict } of copies.values()) {
      if (observation.account === account && verdict === 'unfit') found.push({ link, observation });
    }
  }
  return found;
}

/** Puts it into the history. The account has nothing pending. */
export function rememberSetAside(
  state: CoordinatorState,
  entry: AccountEntry,
  session: Session,
  observation: Observation & { readonly health: Exclude<Health, 'sound'> },
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  if (!isNewlySetAside(state, session, observation)) return;
  const { access, refresh, health, expiresAt, issuedAt } = observation;
  const why = unfitSentences[health];
  const found = {
    access,
    refresh,
    expiresAt,
    issuedAt,
    origin: session.node,
    at,
    verdict: 'quarantined',
    why,
  } as const;
  commit(
    state,
    entry,
    { record: withSighting(entry.record, found), lineage: entry.lineage, announces: false },
    effects,
  );
}
