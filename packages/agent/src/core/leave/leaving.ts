import type { AccountId, CopyKey, Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import type { LeavePlan, LoginPlan } from './plan.ts';

/** What an operator has agreed to. */
export interface Agreement {
  readonly isLast: boolean;
  readonly logins: readonly Pick<LoginPlan, 'account' | 'fate'>[];
}

/** A refresh token that stands in a store again. */
export interface RestoredLogin {
  readonly account: AccountId;
  readonly profile: ProfileId;
  readonly store: StoreId;
}

/** A question about what leaving would come to, which waits for the coordinator. */
export interface Planning {
  readonly requests: readonly number[];
  /** Addresses of the coordinator that are still to be tried. */
  readonly attemptsLeft: number;
  readonly isAsked: boolean;
  /** By the elapsed clock. */
  readonly until: Milliseconds;
}

/**
 * This host is ending its membership, or only its agent's work:
 *
 *     settling ──nothing under way──► restoring ──written, read back──► settling ──nothing to restore──► parting ──► left
 *         └──────────────────────────────────────nothing to restore, the membership goes on──────────► resting
 *
 * Meanwhile it takes no lease and writes nothing but what it restores: what is put back is not taken away again. It can be
 * broken off at any point before `left`: then the rules of a member hold again. Immutable, replaced on change.
 */
export interface Leaving {
  readonly phase: 'settling' | 'restoring' | 'parting' | 'left' | 'resting';
  readonly request: number;
  readonly ends: 'membership' | 'work';
  readonly agreed: Agreement;
  /** By the elapsed clock: broken off, or over, from then on. */
  readonly until: Milliseconds;
  /** Refresh tokens of which the coordinator was told that nobody else may spend them. */
  readonly withheld: readonly Fingerprint[];
  /** Deliveries under way. */
  readonly writes: readonly CopyKey[];
  readonly restored: readonly RestoredLogin[];
  /** The number of the question that ends the membership. */
  readonly question?: number | undefined;
  /** When the coordinator was asked for the fleet as it is, until it has answered; by the elapsed clock. */
  readonly askedAt?: Milliseconds | undefined;
  /** What it waits for. */
  readonly waitsFor?: string | undefined;
}

/** What came of it. `changed`: something else than was agreed to would happen. */
export type LeaveResult =
  | { readonly phase: 'left'; readonly restored: readonly RestoredLogin[]; readonly remaining: number | null }
  | { readonly phase: 'restored'; readonly restored: readonly RestoredLogin[] }
  | { readonly phase: 'refused'; readonly code: 'away' | 'changed' | 'busy' | 'failed'; readonly why: string };

/** What leaving would come to, or why that cannot be said. */
export type PlanResult = { readonly plan: LeavePlan } | { readonly away: string };
