import type { Refreshing } from '@authmesh/shared/core/custody';
import { type AccountId, accountProvider, type Fingerprint } from '@authmesh/shared/core/identifiers';
import type { Miss } from '@authmesh/shared/core/lease';
import type { Milliseconds } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { Renewed } from '@authmesh/shared/protocol/lease';
import type { AgentState } from '../state.ts';

/** A lease of this node whose outcome the coordinator has not taken yet. Immutable, replaced on change. */
export interface OpenLease {
  readonly account: AccountId;
  readonly epoch: number;
  /** The login that is renewed. */
  readonly access: Fingerprint;
  readonly refresh: Fingerprint;
  /** Absent while the exchange is under way. */
  readonly outcome?: LeaseOutcome | undefined;
}

/** What came of a lease. */
export type LeaseOutcome =
  | { readonly renewed: Renewed; readonly generation: number }
  | { readonly miss: Miss; readonly why: string; readonly retryAfterMs?: Milliseconds | undefined };

/** What a restart must know of a lease: that its exchange was begun, and what came of it. */
export type LeaseMemory = OpenLease;

/** The leases that a former run left: one without an outcome was in the middle of its exchange. */
export function leasesOf(memory: readonly LeaseMemory[], refreshes: Refreshing): Map<AccountId, OpenLease> {
  const outcomeOf = ({ account, outcome }: LeaseMemory): LeaseOutcome => {
    const rotates = refreshes.get(accountProvider(account))?.rotates !== false;
    // A token that its use does not spend is as good as before.
    return outcome ?? { miss: rotates ? 'unanswered' : 'postponed', why: broken };
  };
  return new Map(memory.map(lease => [lease.account, { ...lease, outcome: outcomeOf(lease) }]));
}

const broken = 'the agent stopped in the middle of the exchange';

/** Ended with a refresh token that may be spent and nothing to show for it: kept as a memory, in nobody's way. */
export function isOver({ outcome }: OpenLease): boolean {
  return outcome !== undefined && 'miss' in outcome && (outcome.miss === 'unanswered' || outcome.miss === 'refused');
}

/**
 * Whether a lease of this node uses the refresh token of the login, or may have used it up: no store gets it meanwhile, and
 * none keeps it once it may be spent.
 */
export function isUsedHere(
  { leases, config }: AgentState,
  { account, access, refresh }: Pick<AnnouncementFacts, 'account' | 'access' | 'refresh'>,
): 'now' | 'up' | undefined {
  if (config.refreshes.get(accountProvider(account))?.rotates === false) return undefined;
  for (const open of leases.values()) {
    // Under another account's name it is the same token all the same (docs/decisions/0039).
    if (open.access !== access || open.refresh !== refresh) continue;
    if (!open.outcome) return 'now';
    if ('renewed' in open.outcome || isOver(open)) return 'up';
  }
  return undefined;
}
