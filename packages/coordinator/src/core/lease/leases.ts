import type { AccountId, Fingerprint, NodeId } from '@authmesh/shared/core/identifiers';
import type { Position } from '@authmesh/shared/core/position';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import { minute } from '@authmesh/shared/core/time';
import type { LinkId } from '../event.ts';
import type { Submission } from '../waiting.ts';
import { createSchedule, type Schedule } from './schedule.ts';

/** What came of the last attempts at an account, of which none brought a new login. */
export interface Tries {
  readonly count: number;
  /** How many of them the provider, or the way to it, has put off. */
  readonly failures: number;
  readonly node: NodeId;
  readonly since: Instant;
  readonly why: string;
  readonly notBefore: Instant;
  /** The login that they were about. */
  readonly access: Fingerprint;
}

/** What a node knows and this store does not. */
export interface Outrun {
  readonly position: Position;
  readonly node: NodeId;
  readonly since: Instant;
}

/** Names of nodes in the order in which they are to refresh, by patterns of logins. */
export type Preference = Readonly<Record<string, readonly string[]>>;

/** What the coordinator needs to give leases, besides the accounts' records. Updated in place. */
export interface LeasesState {
  readonly schedule: Schedule;
  /** Which nodes can refresh at a provider, among those that have told everything on their link. */
  readonly able: Map<string, Set<NodeId>>;
  /** Accounts that are due and that no node can refresh now. */
  readonly starved: Set<AccountId>;
  /** Why, as it was told last. */
  readonly waits: Map<AccountId, string>;
  readonly tries: Map<AccountId, Tries>;
  /** Nodes that have reported OpenClaw's mark of a refresh under way; some may have none any more. */
  readonly fenced: Map<AccountId, Set<NodeId>>;
  /** Nodes whose disks hold an account's record as it was announced at this position. */
  readonly vaulted: Map<AccountId, { readonly position: Position; readonly nodes: Set<NodeId> }>;
  /** Refresh tokens in stores that a node's own configuration keeps out of the fleet's care. */
  readonly withheld: Map<NodeId, ReadonlySet<Fingerprint>>;
  /** Nodes that were told that the refresh token is in use, and not yet that it is free again. */
  readonly toldInUse: Map<AccountId, Set<NodeId>>;
  /** Refresh tokens that stand in stores of hosts that have left the fleet: who, and since when. */
  readonly departed: Map<Fingerprint, { readonly node: string; readonly since: Instant }>;
  /** Which account has used a refresh token up, or was the last to have it or to begin using it. */
  readonly spenders: Map<Fingerprint, AccountId>;
  /** Accounts under lease, by provider. */
  readonly flying: Map<string, Set<AccountId>>;
  /** Leases whose outcome is not known, by the node that has it; those whose time is over among them. */
  readonly out: Map<AccountId, NodeId>;
  /** What nodes said of the leases of accounts that this store is behind with: it waits until that is made up for. */
  readonly early: Map<AccountId, readonly Submission[]>;
  /** The latest place at which a node knows a login of the account, where this store knows none as late. */
  readonly outrun: Map<AccountId, Outrun>;
  /** Command lines that asked for a lease. */
  readonly asked: Map<AccountId, { readonly link: LinkId; readonly request: number }>;
  prefer: Preference;
  /** Every node of the fleet has told what it knows since the start, or has had its time to. */
  isOpen: boolean;
  timerAt?: Instant | undefined;
}

/**
 * After a start nothing is spent before the nodes have told what they know: the store may be a backup, and the refresh
 * token in it used up. By the elapsed clock.
 */
export const openingMs: Milliseconds = 2 * minute;

export function createLeases(prefer: Preference = {}): LeasesState {
  return {
    schedule: createSchedule(),
    able: new Map(),
    starved: new Set(),
    waits: new Map(),
    tries: new Map(),
    fenced: new Map(),
    vaulted: new Map(),
    withheld: new Map(),
    toldInUse: new Map(),
    departed: new Map(),
    spenders: new Map(),
    flying: new Map(),
    out: new Map(),
    early: new Map(),
    outrun: new Map(),
    asked: new Map(),
    prefer,
    isOpen: false,
    timerAt: undefined,
  };
}
