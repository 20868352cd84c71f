import type { AccountId, Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Held } from '@authmesh/shared/core/lineage';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';

/** What a restart must know of one profile of one store. */
export interface CopyMemory {
  readonly store: StoreId;
  readonly profile: ProfileId;
  readonly account: AccountId;
  /** The last sound credential seen there. */
  readonly last?: Held | undefined;
  /** What stood validly there before it, newest first. */
  readonly chain: readonly Held[];
  /** Refresh tokens that a failed refresh may have spent: none of them is put back there. */
  readonly doubted?: readonly Fingerprint[] | undefined;
}

/** What a restart must know of an account of the fleet: the highest announcement that was applied. */
export type AccountMemory = AnnouncementFacts;
