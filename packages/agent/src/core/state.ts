import type {
  AccountId,
  CopyKey,
  Fingerprint,
  FleetId,
  NodeId,
  ProfileId,
  StoreId,
} from '@authmesh/shared/core/identifiers';
import type { Held } from '@authmesh/shared/core/lineage';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { Judgement } from '@authmesh/shared/protocol/down';
import type { Overview } from '@authmesh/shared/protocol/overview';
import type { Adoption } from './adoption.ts';
import type { AgentConfig } from './config.ts';
import type { CredentialForm } from './effect.ts';
import type { SeenHold, SeenProfile } from './event.ts';
import type { Hold } from './hold/hold.ts';
import type { Leaving, Planning } from './leave/leaving.ts';
import type { Link } from './link-state.ts';
import type { AccountMemory } from './memory.ts';
import type { Delivered } from './overwriting.ts';
import type { ClaimsState } from './permit/claim.ts';
import type { Hole } from './refresh/hole.ts';
import type { OpenLease } from './refresh/open-lease.ts';
import type { SecretsSeen } from './secrets.ts';

/** What the coordinator said of the credential that a copy holds. */
export interface Judged {
  readonly access?: Fingerprint | undefined;
  readonly verdict: Judgement['verdict'];
  readonly why: string;
  /** The account's home is connected and holds the refresh token. */
  readonly held?: boolean | undefined;
  /** Enough vaults hold it. */
  readonly vaulted?: boolean | undefined;
  /** It is being used, or may be used up. */
  readonly inUse?: boolean | undefined;
}

/** One profile of one store of this host: a copy of an account. Immutable, replaced on change. */
export interface Copy {
  readonly store: StoreId;
  readonly profile: ProfileId;
  readonly account: AccountId;
  /** What stands on disk; absent before the first look after a start, and after the owner deleted it. */
  readonly seen?: SeenProfile | undefined;
  readonly seenAt: Instant;
  /** Since when this access token is known to stand there, in this run of the agent. */
  readonly standsSince?: Instant | undefined;
  /** The last sound credential seen there. */
  readonly last?: Held | undefined;
  /** What stood validly there before it, newest first. */
  readonly chain: readonly Held[];
  readonly judged?: Judged | undefined;
  /** Refresh tokens that a failed refresh may have spent: none of them is put back there. */
  readonly doubted?: readonly Fingerprint[] | undefined;
  /** OpenClaw's mark of a refresh under way stands there: since when this agent sees it, and whether that is too long. */
  readonly fence?: { readonly since: Instant; readonly isStuck: boolean } | undefined;
  /** Since when it is neither the fleet's login nor known to stand beside it, on this link. */
  readonly unsettledAt?: Instant | undefined;
  /** When the coordinator was last told what stands there, on this link. */
  readonly reportedAt?: Instant | undefined;
  /** The delivery under way. */
  readonly writing?:
    | {
        readonly access: Fingerprint;
        readonly form: CredentialForm;
        readonly replaces?: SeenProfile | undefined;
        /** No delivery: what stands there loses its refresh token. */
        readonly takesRefreshOnly?: boolean | undefined;
      }
    | undefined;
  readonly delivered?: Delivered | undefined;
  /** Why the last delivery failed. */
  readonly trouble?: string | undefined;
  readonly attempts: number;
  readonly retryAt?: Instant | undefined;
}

export interface StoreEntry {
  readonly state: 'readable' | 'absent' | 'quarantined';
  readonly reason?: string | undefined;
  /** The marks of authmesh that stand there. */
  readonly hold?: SeenHold | undefined;
}

/** The indexes are updated in place and the plain fields assigned: the state is moved, never shared. */
export interface AgentState {
  readonly self: { readonly node: NodeId; readonly name: string; readonly fleet: FleetId };
  config: AgentConfig;
  policy: ProfileFilter;
  link: Link;
  /** When the coordinator was last heard on this link. */
  lastHeard: Instant;
  /** This host's clock minus the coordinator's. */
  clockOffsetMs: Milliseconds;
  epoch: number;
  readonly stores: Map<StoreId, StoreEntry>;
  readonly copies: Map<CopyKey, Copy>;
  /** The fleet's logins, as they were last announced. */
  readonly accounts: Map<AccountId, AccountMemory>;
  /** Refresh tokens from which the fleet's login was renewed in this run, its access token being the same; newest first. */
  readonly spent: Map<AccountId, readonly Fingerprint[]>;
  /** Why an account's last announcement was not applied, until one is. */
  readonly refusals: Map<AccountId, string>;
  /** The fleet as the coordinator last told it. */
  overview?: { readonly body: Overview; readonly at: Instant } | undefined;
  /** What has come of the next one. */
  overviewParts?: Overview | undefined;
  /** This host's secrets as they were last read; absent before that. */
  secrets?: SecretsSeen | undefined;
  /** Control requests that wait for an overview. */
  readonly asking: Set<number>;
  nextRequest: number;
  readonly adoptions: Map<number, Adoption>;
  /** When the event that is being handled came, by the clock that never runs slow. */
  elapsed: Milliseconds;
  /** The same by the one that never runs fast. */
  awake: Milliseconds;
  readonly claims: ClaimsState;
  /** Leases whose outcome the coordinator has not taken yet. */
  readonly leases: Map<AccountId, OpenLease>;
  /** Its journal has lost something: it may have had leases that are unknown to it. */
  hole?: Hole | undefined;
  /** An operator has asked what leaving the fleet would come to. */
  planning?: Planning | undefined;
  /** An operator is being asked: what stands in stores stays until then. By the elapsed clock. */
  askingUntil?: Milliseconds | undefined;
  /** This host is leaving its fleet, or about to stop. */
  leaving?: Leaving | undefined;
  /** Agents that are held back. */
  readonly holds: Map<StoreId, Hold>;
  /** Creating what the configuration names has failed: not again before then. */
  createAt?: Instant | undefined;
  /** When the `revisit` timer is set for. */
  revisitAt?: Instant | undefined;
}

/** Copies that one host may have; more are left out and noted. */
export const copiesMax = 5_000;
/** Accounts of the fleet that one host keeps in mind; more are left out and noted. */
export const accountsMax = 20_000;
/** Control requests that may wait at a time. */
export const askingMax = 100;

/**
 * A profile of which nothing else is known yet. Every field is there from the start: what is put into objects of one
 * shape alone is read and replaced several times as fast.
 */
export function createCopy(store: StoreId, profile: ProfileId, account: AccountId): Copy {
  return {
    store,
    profile,
    account,
    seen: undefined,
    seenAt: 0,
    standsSince: undefined,
    last: undefined,
    chain: [],
    judged: undefined,
    doubted: undefined,
    fence: undefined,
    unsettledAt: undefined,
    reportedAt: undefined,
    writing: undefined,
    delivered: undefined,
    trouble: undefined,
    attempts: 0,
    retryAt: undefined,
  };
}
