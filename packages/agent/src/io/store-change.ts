import type { CredentialForm } from '@authmesh/agent/core/effect';
import type { MarkOutcome, SeenHold, WriteOutcome } from '@authmesh/agent/core/event';
import type { Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import type { Credential } from '@authmesh/shared/protocol/credential';

/** One credential for one profile of one store. */
export interface Delivery {
  readonly store: StoreId;
  readonly profile: ProfileId;
  /** The fingerprints that must still stand there. */
  readonly expected: { readonly access?: Fingerprint | undefined; readonly refresh?: Fingerprint | undefined };
  readonly credential: Credential;
  readonly form: CredentialForm;
  /** Puts the profile into a store that lacks it, and the store into an agent that has none. */
  readonly isNew?: boolean | undefined;
  /** The login that stands there loses its refresh token, and nothing else changes. */
  readonly takesRefreshOnly?: boolean | undefined;
  /** By the elapsed clock: the file is not replaced from this moment on. */
  readonly before?: Milliseconds | undefined;
}

/** Marks that hold a store's agent back; without `hold` they are lifted. */
export interface Marking {
  readonly store: StoreId;
  readonly hold?: SeenHold | undefined;
  /** By the elapsed clock: the file is not replaced from this moment on. */
  readonly before?: Milliseconds | undefined;
}

/** What is written into a store, and how it ends. */
export type StoreChange = Delivery | Marking;
export type ChangeOutcome = WriteOutcome | MarkOutcome;

/** Whether a change is a login's. */
export function isDelivery(change: StoreChange): change is Delivery {
  return 'credential' in change;
}
