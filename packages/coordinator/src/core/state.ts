import type { AccountId, CopyKey, FleetId, InviteId, NodeId } from '@authmesh/shared/core/identifiers';
import type { Lineage } from '@authmesh/shared/core/lineage';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import type { Position } from '@authmesh/shared/core/position';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { Judgement } from '@authmesh/shared/protocol/down';
import type { Attest } from '@authmesh/shared/protocol/handshake';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { AlertsRecord, AlertsState } from './alerts/alerts.ts';
import type { AwayEntry } from './away.ts';
import type { LinkId } from './event.ts';
import type { LeasesState } from './lease/leases.ts';
import type { PoolsState } from './pool/pool.ts';
import type { UsageState } from './pool/usage.ts';
import type {
  AccountRecord,
  CopiesRecord,
  FleetRecord,
  InviteRecord,
  NodeRecord,
  PoolsRecord,
  RecordKey,
  SecretsRecord,
  UsageRecord,
} from './record.ts';
import type { RotationsRecord, RotationsState } from './rotation/rotations.ts';
import type { PushesState } from './secrets/push.ts';
import type { SecretsState } from './secrets/secrets.ts';
import type { Submission } from './waiting.ts';

/** A proven link of a node. */
export interface Session {
  readonly link: LinkId;
  readonly node: NodeId;
  readonly role: 'daemon' | 'command';
  /** The node's clock minus the coordinator's, zero while they are close. */
  readonly clockOffsetMs: Milliseconds;
  readonly lastHeard: Instant;
  /** What the node said it knows, while its inventory comes in; updated in place. */
  readonly known: Map<AccountId, Position>;
}

/** Who said something, and on which link; that may be gone by now. */
export type Reporter = Pick<Session, 'node' | 'link'>;

/** A copy as its node last reported it. */
export interface ReportedCopy {
  readonly observation: Observation;
  readonly verdict: Judgement['verdict'];
  readonly why: string;
  readonly seenAt: Instant;
}

export interface NodeEntry {
  readonly record: NodeRecord;
  readonly storeRevision: number;
  /** The daemon's link, while it is connected. */
  readonly link?: LinkId | undefined;
  /** A second daemon with the same key, waiting while the first one is probed. */
  readonly challenger?: { readonly session: Session; readonly attest: Omit<Attest, 'type' | 'signature'> } | undefined;
  readonly lastSeen: Instant | null;
  /** Updated in place. */
  readonly copies: Map<CopyKey, ReportedCopy>;
}

/** A change that is on its way to the store; nothing is told before it is durable. */
export interface PendingCommit {
  readonly record: AccountRecord;
  readonly lineage: Lineage;
  readonly cause?: Submission | undefined;
  readonly announces: boolean;
  readonly failed: boolean;
}

export interface AccountEntry {
  readonly record: AccountRecord;
  readonly lineage: Lineage;
  readonly storeRevision: number;
  readonly pending?: PendingCommit | undefined;
  /** In order of arrival; updated in place. */
  readonly waiting: Submission[];
}

/** A record other than an account's that is on its way to the store. */
export type PendingRecord = { readonly expected: number; readonly failed: boolean } & (
  | { readonly type: 'enroll'; readonly link: LinkId; readonly record: NodeRecord }
  | { readonly type: 'invite'; readonly link: LinkId; readonly request: number; readonly record: InviteRecord }
  | { readonly type: 'erasure'; readonly record: InviteRecord }
  | { readonly type: 'presence'; readonly record: NodeRecord }
  | { readonly type: 'departure'; readonly link: LinkId; readonly request: number; readonly record: NodeRecord }
  | { readonly type: 'pools'; readonly record: PoolsRecord }
  | { readonly type: 'usage'; readonly record: UsageRecord }
  | { readonly type: 'copies'; readonly record: CopiesRecord }
  | { readonly type: 'secrets'; readonly record: SecretsRecord }
  | { readonly type: 'alerts'; readonly record: AlertsRecord }
  | { readonly type: 'rotations'; readonly record: RotationsRecord }
  /** `reported`: the highest epoch that a node knows. */
  | { readonly type: 'epoch'; readonly record: FleetRecord; readonly reported: number }
);

export interface InviteEntry {
  readonly record: InviteRecord;
  readonly storeRevision: number;
  readonly used: number;
}

/** The indexes are updated in place and the plain fields assigned: the state is moved, never shared. */
export interface CoordinatorState {
  mode: 'serving' | 'draining';
  policy: ProfileFilter;
  /** When the event that is being handled came, by the clock that nobody can set. */
  elapsed: Milliseconds;
  /** The same by the wall clock. */
  at: Instant;
  /** The wall clock minus the one that nobody can set and that stands still in a sleep, at the last event. */
  wallAheadMs?: Milliseconds | undefined;
  readonly pools: PoolsState;
  readonly usage: UsageState;
  readonly leases: LeasesState;
  /** As it stands in the store; absent before the first coordinator of this fleet has begun its epoch. */
  poolsRecord?: { readonly record: PoolsRecord; readonly storeRevision: number } | undefined;
  fleet: { readonly record: FleetRecord; readonly storeRevision: number };
  /** Null before there is a founder. */
  founder: NodeId | null;
  readonly nodes: Map<NodeId, NodeEntry>;
  /** For the overview, and for who may use a refresh token: no login is judged by it. */
  readonly away: Map<NodeId, AwayEntry>;
  readonly secrets: SecretsState;
  readonly alerts: AlertsState;
  readonly pushes: PushesState;
  readonly rotations: RotationsState;
  readonly invites: Map<InviteId, InviteEntry>;
  readonly accounts: Map<AccountId, AccountEntry>;
  /** The highest generation of each account that a node has applied: it refuses less. */
  readonly generations: Map<AccountId, number>;
  /** Nodes that have reported a refresh token of an account, those that are away among them; some may have none any more. */
  readonly holders: Map<AccountId, Set<NodeId>>;
  readonly sessions: Map<LinkId, Session>;
  /** Links that came as a node's challenger, until they close. */
  readonly challengers: Map<LinkId, NodeId>;
  readonly pendingRecords: Map<RecordKey, PendingRecord>;
}

/** Submissions that may wait for one account. */
export const submissionsWaitingMax = 10_000;
/** Links of command lines that one node may have at a time. */
export const commandLinksMax = 32;

/*
 * Nodes and accounts have every field from the start: what is put into objects of one shape alone is read and replaced
 * several times as fast.
 */

/** A member of which nothing was heard since the start. */
export function createNodeEntry(record: NodeRecord, storeRevision: number, lastSeen: Instant | null): NodeEntry {
  return { record, storeRevision, link: undefined, challenger: undefined, lastSeen, copies: new Map() };
}

/** An account as its record says. */
export function createAccountEntry(record: AccountRecord, storeRevision: number): AccountEntry {
  const { current, ancestors, spent } = record;
  const lineage = { current, ancestors: new Set(ancestors), spent: new Set(spent) };
  return { record, lineage, storeRevision, pending: undefined, waiting: [] };
}

/** The fleet is named after its founder. */
export function fleetOf(state: CoordinatorState): FleetId | null {
  return state.founder as string | null as FleetId | null;
}
