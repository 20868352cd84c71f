import type { AccountId, CredentialKind, Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { Health } from '@authmesh/shared/protocol/observation';
import type { AgentConfig } from './config.ts';

/** One profile as the store's adapter read it. Its secrets went to the vault; these are their fingerprints. */
export interface SeenProfile {
  readonly profile: ProfileId;
  readonly account: AccountId;
  readonly identity: 'account' | 'profile';
  readonly kind: CredentialKind;
  readonly health: Exclude<Health, 'quarantined'>;
  readonly access?: Fingerprint | undefined;
  readonly refresh?: Fingerprint | undefined;
  /** By this host's clock; null: it does not end. */
  readonly expiresAt: Instant | null;
  readonly issuedAt?: Instant | undefined;
  readonly trouble?: string | undefined;
}

/** What a store looked like when it was read. */
export type SeenStore =
  | { readonly state: 'readable'; readonly profiles: readonly SeenProfile[] }
  | { readonly state: 'absent' }
  | { readonly state: 'quarantined'; readonly reason: string };

/** How a delivery to one profile ended. */
export type WriteOutcome =
  /** Written, synced, renamed, and read back as `seen`. */
  | { readonly result: 'written'; readonly seen: SeenProfile }
  /** Somebody changed the credential first: what stands there now follows as `store-observed`. */
  | { readonly result: 'changed' }
  /** OpenClaw holds the lock. */
  | { readonly result: 'locked'; readonly reason: string }
  /** The disk, the permissions or the file said no. */
  | { readonly result: 'failed'; readonly reason: string };

/** Requests of this host's own command line, over the control socket. */
export type ControlRequest =
  | { readonly op: 'status' }
  | {
      readonly op: 'adopt';
      /** Profile ids or account labels; empty: all that this host lacks. */
      readonly profiles: readonly string[];
      /** Where new profiles go. */
      readonly store: StoreId;
    };

export type AgentEvent =
  | { readonly type: 'started' }
  | { readonly type: 'store-observed'; readonly store: StoreId; readonly seen: SeenStore }
  | {
      readonly type: 'write-settled';
      readonly store: StoreId;
      readonly profile: ProfileId;
      readonly outcome: WriteOutcome;
    }
  /** The coordinator proved itself and took this node's proof. */
  | {
      readonly type: 'link-opened';
      readonly url: string;
      /** This host's clock minus the coordinator's. */
      readonly clockOffsetMs: Milliseconds;
      readonly epoch: number;
      readonly policy: ProfileFilter;
    }
  | { readonly type: 'link-closed'; readonly reason: CloseReason | 'unreachable' | 'lost'; readonly message: string }
  /** An announcement whose record was opened by the shell, or was not (`problem`). */
  | { readonly type: 'announced'; readonly facts: AnnouncementFacts; readonly problem?: string | undefined }
  | { readonly type: 'frame-received'; readonly message: DownMessage }
  | { readonly type: 'timer-fired'; readonly timer: AgentTimer }
  | { readonly type: 'asked'; readonly request: number; readonly control: ControlRequest }
  | { readonly type: 'configured'; readonly config: AgentConfig }
  /** The wall clock moved against the monotonic one: sleep and wake, or somebody set it. */
  | { readonly type: 'clock-jumped'; readonly byMs: Milliseconds }
  | { readonly type: 'drain-requested' };

/**
 * `dial`: try the coordinator again. `beat`: sign of life. `silence`: nothing was heard after a wake.
 * `revisit`: a copy is due for another look. `answer`: the coordinator's answer takes too long.
 */
export type AgentTimer = 'dial' | 'beat' | 'silence' | 'revisit' | 'answer';

/** Answers to the command line, without its JSON dress. */
export type ControlReply =
  /** The shell draws it from the state as it stands. */
  | { readonly op: 'status' }
  | {
      readonly op: 'adopt';
      readonly adopted: readonly ProfileId[];
      /** What could not be adopted, and why. */
      readonly problems: readonly { readonly login: string; readonly reason: string }[];
    };
