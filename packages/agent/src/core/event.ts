import type { AccountId, CredentialKind, Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import type { Health } from '@authmesh/shared/protocol/observation';
import type { AgentConfig } from './config.ts';
import type { Agreement, LeaveResult, PlanResult } from './leave/leaving.ts';
import type { LeaseOutcome } from './refresh/open-lease.ts';
import type { SecretsSeen } from './secrets.ts';

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
  /** The refresh token that OpenClaw is spending there, or was, where a fence says so and the token was seen before. */
  readonly spends?: Fingerprint | undefined;
  readonly trouble?: string | undefined;
  /** What OpenClaw noted of its use; no part of the login, and no news to the fleet. */
  readonly use?: ProfileUse | undefined;
}

/** OpenClaw's own statistics of a profile, by this host's clock. */
export interface ProfileUse {
  /** The last turn that succeeded. */
  readonly usedAt?: Instant | undefined;
  /** The last turn that failed. */
  readonly failedAt?: Instant | undefined;
  /** What the provider said then: the login is refused, too many at once, the quota is used up. */
  readonly failure?: 'auth' | 'rate-limit' | 'quota' | 'other' | undefined;
  /** OpenClaw does not use the profile before then. */
  readonly pausedUntil?: Instant | undefined;
}

/** What a store looked like when it was read. */
export type SeenStore =
  | {
      readonly state: 'readable';
      readonly profiles: readonly SeenProfile[];
      /** Its agent is held back. */
      readonly hold?: SeenHold | undefined;
    }
  | { readonly state: 'absent' }
  | { readonly state: 'quarantined'; readonly reason: string };

/** The marks of authmesh in a store: OpenClaw does not use these profiles before they end, by this host's clock. */
export interface SeenHold {
  readonly until: Instant;
  readonly profiles: readonly ProfileId[];
}

/** How a delivery to one profile ended. */
export type WriteOutcome =
  /** Written, synced, renamed, and read back as `seen`. */
  { readonly result: 'written'; readonly seen: SeenProfile } | Undone;

/** What was to stand in a store does not. `stood`: it did for a moment, and may have woken whoever waits for it. */
export type Undone = { readonly stood?: boolean | undefined } & (
  | /** Somebody changed the credential first: what stands there now follows as `store-observed`. */
  { readonly result: 'changed' }
  /** The permit ended before the file was to be replaced: the old one stands. */
  | { readonly result: 'lapsed'; readonly reason: string }
  /** OpenClaw holds the lock. */
  | { readonly result: 'locked'; readonly reason: string }
  /** The disk, the permissions or the file said no. */
  | { readonly result: 'failed'; readonly reason: string }
);

/** How a change of a store's marks ended. */
export type MarkOutcome =
  /** Written and read back, with marks on the logins of `held`, whatever became of them since. */
  { readonly result: 'marked'; readonly held: readonly ProfileId[] } | Undone;

/** Requests of this host's own command line, over the control socket. */
export type ControlRequest =
  | { readonly op: 'status' }
  /** A command of an operator wants to start sessions; answered by the claim's number. */
  | {
      readonly op: 'claim';
      readonly pool: string;
      readonly sessions: number;
      readonly settleMs?: Milliseconds | undefined;
    }
  /** How a claim stands; to be asked every second, or it is taken for abandoned. */
  | { readonly op: 'claim-state'; readonly claim: number }
  /** The command starts now; refused when the permit has no room for the settle time any more. */
  | { readonly op: 'claim-started'; readonly claim: number }
  /** The command ended well: what it starts is started. */
  | { readonly op: 'claim-ran'; readonly claim: number }
  | {
      readonly op: 'claim-ended';
      readonly claim: number;
      readonly outcome: 'passed' | 'failed' | 'unused';
      readonly why?: string | undefined;
    }
  | {
      readonly op: 'adopt';
      /** Profile ids or account labels; empty: all that this host lacks. New profiles go into `store`. */
      readonly profiles: readonly string[];
      readonly store: StoreId;
    }
  /** What leaving would come to; to put back what has to be, then end the membership, or wait for the stop. */
  | { readonly op: 'leave-plan' }
  | { readonly op: 'leave'; readonly ends: 'membership' | 'work'; readonly agreed: Agreement };

export type AgentEvent =
  | { readonly type: 'started' }
  | { readonly type: 'store-observed'; readonly store: StoreId; readonly seen: SeenStore }
  | {
      readonly type: 'write-settled';
      readonly store: StoreId;
      readonly profile: ProfileId;
      readonly outcome: WriteOutcome;
    }
  /** The exchange of a lease is over. */
  | {
      readonly type: 'exchanged';
      readonly account: AccountId;
      readonly epoch: number;
      readonly outcome: LeaseOutcome;
    }
  | { readonly type: 'store-marked'; readonly store: StoreId; readonly outcome: MarkOutcome }
  /** The coordinator proved itself and took this node's proof. */
  | {
      readonly type: 'link-opened';
      readonly url: string;
      /** This host's clock minus the coordinator's. */
      readonly clockOffsetMs: Milliseconds;
      readonly epoch: number;
      readonly policy: ProfileFilter;
    }
  | {
      readonly type: 'link-closed';
      readonly reason: CloseReason | 'unreachable' | 'lost';
      readonly message: string;
      /** A full coordinator says when to come again. */
      readonly retryAfterMs?: Milliseconds | undefined;
    }
  /** An announcement whose record was opened by the shell, or was not (`problem`). */
  | { readonly type: 'announced'; readonly facts: AnnouncementFacts; readonly problem?: string | undefined }
  | { readonly type: 'frame-received'; readonly message: DownMessage }
  | { readonly type: 'timer-fired'; readonly timer: AgentTimer }
  | { readonly type: 'asked'; readonly request: number; readonly control: ControlRequest }
  /** The health command of a claim's pool ended. */
  | {
      readonly type: 'health-checked';
      readonly claim: number;
      /** Which of the checks of the claim it was: each begins anew with the sessions. */
      readonly run: number;
      readonly ok: boolean;
      readonly why: string;
    }
  | ({ readonly type: 'secrets-read' } & SecretsSeen)
  | { readonly type: 'configured'; readonly config: AgentConfig }
  /** The wall clock moved against the monotonic one: sleep and wake, or somebody set it. */
  | { readonly type: 'clock-jumped'; readonly byMs: Milliseconds }
  | { readonly type: 'drain-requested' };

/** `dial`: try the coordinator again. `beat`: sign of life. `silence`: nothing was heard after a wake.
 * `revisit`: a copy is due for another look. `answer`: the coordinator's answer takes too long.
 * `claims`: a claim is due to be told again, or its time is over. `leave`: what leaving waits for is looked at again. */
export type AgentTimer = 'dial' | 'beat' | 'silence' | 'revisit' | 'answer' | 'claims' | 'leave';

/** Answers to the command line, without its JSON dress. */
export type ControlReply =
  /** The shell draws it from the state as it stands. */
  | { readonly op: 'status' }
  | { readonly op: 'claim'; readonly state: ClaimState }
  | { readonly op: 'leave-plan'; readonly result: PlanResult }
  | { readonly op: 'leave'; readonly result: LeaveResult }
  | {
      readonly op: 'adopt';
      readonly adopted: readonly ProfileId[];
      /** What could not be adopted, and why. */
      readonly problems: readonly { readonly login: string; readonly reason: string }[];
    };

/** How a command's claim stands. */
export interface ClaimState {
  readonly claim: number;
  /** `not-now`: to be asked again later. `unknown`: it is over, or was given up because nobody asked for it. */
  readonly phase: 'waiting' | 'granted' | 'settling' | 'settled' | 'refused' | 'not-now' | 'unknown';
  readonly place?: number | undefined;
  readonly etaMs?: Milliseconds | undefined;
  readonly settleMs?: Milliseconds | undefined;
  /** With the answer to a claim: sessions of this host in its pool, where they are more than the pool allows and than were asked for. */
  readonly unsaid?: number | undefined;
  /** Agents that are held back meanwhile, because the command starts more sessions than may come back at once. */
  readonly held?: number | undefined;
  readonly why?: string | undefined;
}
