import type { AccountId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { Claim } from '../permit/claim.ts';
import type { AgentState } from '../state.ts';

/**
 * An agent whose login works, and that is held back all the same: it would come back with more sessions than its pool
 * allows at once. Its own store has marks that OpenClaw respects; a permit lifts them, as it releases the delivery of a
 * recovery. What stands in the store is what counts: a daemon that starts anew finds its holds there.
 *
 *     planned ──permits of the command──► placed ──command started──► in line ──granted──► lifted
 *                                            └───────────── its own end ──────────────────► over
 */
export interface Hold extends PlannedHold {
  /** The end of the marks as it is meant to be, by this host's clock. */
  readonly until: Instant;
  /** The end before the change that is under way: what counts should it fail where no marks stand. */
  readonly was?: Instant | undefined;
  /** The logins on which marks were put; absent before that. What OpenClaw has paused itself is not among them. */
  readonly placed?: readonly ProfileId[] | undefined;
  /** When it was planned, by the elapsed clock. */
  readonly since: Milliseconds;
  /** The change of its marks that is under way. */
  readonly writing?: 'place' | 'lift' | undefined;
  /** Why its marks could not be changed, and until when, by the elapsed clock, that is not tried again. */
  readonly trouble?: string | undefined;
  readonly retryAt?: Milliseconds | undefined;
  /** The claim of the command that it is for: its turn comes after that one's start. */
  readonly command?: number | undefined;
}

/** An agent that is to be held back. */
export interface PlannedHold {
  readonly store: StoreId;
  /** The login by which its sessions belong to their pool. */
  readonly profile: ProfileId;
  readonly account: AccountId;
  /** Every login of the pool that the agent could use, its main agent's among them. */
  readonly profiles: readonly ProfileId[];
  readonly sessions: number;
}

/**
 * Marks end this long after the moment at which the agent's turn is expected: a coordinator that is away for less delays
 * the turn, one that is away for longer locks nobody out.
 */
export const holdSlackMs: Milliseconds = 5 * minute;

/**
 * Whether the marks of a hold stand in its store as they are meant to, each of them: OpenClaw clears that of the login
 * with which a turn ends well, and leaves the others.
 */
export function isInPlace({ stores }: Pick<AgentState, 'stores'>, { store, until, placed }: Hold): boolean {
  const seen = stores.get(store)?.hold;
  return placed !== undefined && seen?.until === until && placed.every(profile => seen.profiles.includes(profile));
}

/** The claim under which a held agent comes back. */
export function claimOfHold(
  { claims }: Pick<AgentState, 'claims'>,
  { store, profile, account }: Hold,
): Claim | undefined {
  for (const claim of claims.byId.values()) {
    const { claimant, phase } = claim;
    if (!claim.liftsHold || claimant.type !== 'store' || phase === 'settled') continue;
    if (claimant.store === store && claimant.profile === profile && claimant.account === account) return claim;
  }
  return undefined;
}
