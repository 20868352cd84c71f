import type { AccountId, CopyKey, Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Note } from '@authmesh/shared/core/notes';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { Recollection, Renewal } from '@authmesh/shared/protocol/lease';
import type { Publish, UpMessage } from '@authmesh/shared/protocol/up';
import type { AgentTimer, ControlReply, SeenHold } from './event.ts';
import type { AccountMemory, CopyMemory } from './memory.ts';
import type { Hole } from './refresh/hole.ts';
import type { LeaseMemory } from './refresh/open-lease.ts';

/** `full`: with the refresh token. `bearer`: without, so that this store can use the login and not spend it. */
export type CredentialForm = 'full' | 'bearer';

/** A message without the sealed bytes; the shell adds them from the vault, by the access fingerprint. */
export type OutgoingMessage =
  | Exclude<UpMessage, Publish | Renewal | Recollection>
  | Omit<Publish, 'sealed'>
  | Omit<Renewal, 'sealed'>
  | Omit<Recollection, 'sealed'>;

/** An entry of a store. */
export interface Place {
  readonly store: StoreId;
  readonly profile: ProfileId;
}

export type AgentEffect =
  | { readonly type: 'dial'; readonly url: string }
  /** `why` is a sentence for the operator. */
  | { readonly type: 'close-link'; readonly why: string }
  | { readonly type: 'send'; readonly message: OutgoingMessage }
  | { readonly type: 'set-timer'; readonly timer: AgentTimer; readonly delayMs: Milliseconds }
  | { readonly type: 'clear-timer'; readonly timer: AgentTimer }
  /** Replace the credential of one profile, if it still is the one that was judged. Answered by `write-settled`. */
  | {
      readonly type: 'write-credential';
      readonly store: StoreId;
      readonly profile: ProfileId;
      readonly account: AccountId;
      /** What must still stand there: both fingerprints of the last observation. */
      readonly expected: { readonly access?: Fingerprint | undefined; readonly refresh?: Fingerprint | undefined };
      /** The credential to write, by its access fingerprint: the vault has the bytes. */
      readonly access: Fingerprint;
      /** Its refresh token; absent: it has none to give, and a `full` write leaves the store's own. */
      readonly refresh?: Fingerprint | undefined;
      /** When it ends, by the coordinator's clock: what a store said of it may have been written by a false one. */
      readonly expiresAt: Instant | null;
      readonly form: CredentialForm;
      /** The login that stands there loses its refresh token, and nothing else changes. */
      readonly takesRefreshOnly?: boolean | undefined;
      /** By the elapsed clock: the file is not replaced from this moment on, for the permit would not cover it. */
      readonly before?: Milliseconds | undefined;
    }
  /** Put a login of the fleet into a store that lacks it. Answered by `write-settled`. */
  | {
      readonly type: 'create-profile';
      readonly store: StoreId;
      readonly profile: ProfileId;
      readonly account: AccountId;
      readonly access: Fingerprint;
      readonly refresh?: Fingerprint | undefined;
      /** As above. */
      readonly expiresAt: Instant | null;
      readonly form: CredentialForm;
    }
  /** Hold a store's agent back by marks of its own, or (without `hold`) lift them. Answered by `store-marked`. */
  | {
      readonly type: 'mark-store';
      readonly store: StoreId;
      readonly hold?: SeenHold | undefined;
      /** By the elapsed clock: nothing is lifted from this moment on, for the permit would not cover it. */
      readonly before?: Milliseconds | undefined;
    }
  /**
   * Spend an account's refresh token: it leaves the stores of this host first, the intent is on disk before it leaves this host,
   * and what comes of it before anything else is done with that. Answered by `exchanged`.
   */
  | {
      readonly type: 'exchange';
      readonly account: AccountId;
      readonly epoch: number;
      readonly access: Fingerprint;
      readonly refresh: Fingerprint;
      /** Entries of this host that hold it: with OpenClaw's lock held, they give it up for the time and get the next. */
      readonly holders: readonly Place[];
      /** The new record is sealed in it. */
      readonly generation: number;
      /** By the elapsed clock: nothing is sent from this moment on, for the lease would not cover it. */
      readonly before: Milliseconds;
    }
  /** Keep in the journal. The next `acknowledge` waits until it is synced, and what follows that one with it. */
  | { readonly type: 'remember'; readonly memory: Memory }
  | { readonly type: 'reply'; readonly request: number; readonly reply: ControlReply }
  /** A secret of this host is wanted, or is to be another one: the shell answers the coordinator by itself. */
  | { readonly type: 'secret-errand'; readonly errand: SecretErrand }
  /** Look at this store again soon. */
  | { readonly type: 'reread'; readonly store: StoreId }
  /** Run a pool's health command until it ends 0; answered by `health-checked`. */
  | {
      readonly type: 'check-health';
      readonly run: number;
      /** It counts only once it has failed: what it sees before may be what is stopped next. */
      readonly fallsFirst: boolean;
      readonly claim: number;
      readonly command: string;
      readonly timeoutMs: Milliseconds;
    }
  | { readonly type: 'stop' }
  | Note;

/** What the coordinator asks of a host while a secret is spread or rotated. */
export type SecretErrand = Extract<DownMessage, { type: 'give-secret' | 'take-secret' | 'rotation-order' }>;

/** An entry of the journal: the last one of a key counts. */
export type Memory =
  | { readonly kind: 'copy'; readonly key: CopyKey; readonly copy: CopyMemory | null }
  /** The shell keeps the sealed record of the account's current credential beside it. */
  | { readonly kind: 'account'; readonly account: AccountMemory }
  /** The shell writes a lease down by itself, with the sealed record of what it brought; null: it is settled. */
  | { readonly kind: 'lease'; readonly account: AccountId; readonly lease: LeaseMemory | null }
  /** The journal has lost something; null: nothing that still counts. */
  | { readonly kind: 'hole'; readonly hole: Hole | null };
