import type { AccountId, Fingerprint } from '@authmesh/shared/core/identifiers';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { AgentEffect } from '../effect.ts';
import type { AgentState } from '../state.ts';

/*
 * A node whose journal has lost something may have had leases that it cannot name. A lease counts for the login that it names
 * and for no other, and none is given to a node that is not in step: so whatever was lost is of a login that is the fleet's
 * current one when the node is next in step, or of one before. When each of these was renewed, nothing is unknown any more (I12).
 */

/** What is missing in a node's memory. Immutable, replaced on change. */
export interface Hole {
  /** The logins that a lost lease may be of; absent until the node was in step with the fleet. */
  readonly logins?: readonly UnsureLogin[] | undefined;
}

interface UnsureLogin {
  readonly account: AccountId;
  readonly access: Fingerprint;
}

/** The node is in step, or a login was announced since: looks whether the hole is closed. */
export function reviewHole(state: AgentState, effects: AgentEffect[]): void {
  const { hole, link, accounts, refusals } = state;
  if (!hole || !link.synced) return;
  // A login of which this node knows nothing cannot be counted in.
  if (!hole.logins && refusals.size > 0) return;
  const before = hole.logins ?? [...accounts.values()].filter(isRenewable);
  const logins = before
    .filter(({ account, access }) => (accounts.get(account)?.access ?? access) === access)
    .map(({ account, access }) => ({ account, access }));
  state.hole = logins.length > 0 ? { logins } : undefined;
  if (!state.hole || !hole.logins)
    effects.push({ type: 'remember', memory: { kind: 'hole', hole: state.hole ?? null } });
}

function isRenewable({ kind, refresh, expiresAt }: AnnouncementFacts): boolean {
  return kind === 'oauth' && refresh !== undefined && expiresAt !== null;
}
