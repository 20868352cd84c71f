import type { AcceptedWhy } from '@authmesh/shared/core/freshness';
import type {
  AccountId,
  Branded,
  CredentialKind,
  Fingerprint,
  InviteId,
  NodeId,
  ProfileId,
  Sealed,
} from '@authmesh/shared/core/identifiers';
import type { Revision } from '@authmesh/shared/core/lineage';
import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import type { Instant } from '@authmesh/shared/core/time';
import type { CopyView } from '@authmesh/shared/protocol/answer';
import type { RefreshRecord } from './lease/refresh-record.ts';

/** `account/…`, `node/…`, `copies/…` and `secrets/…` (of a node), `invite/…`, `fleet`, `pools`, `usage`, `alerts` or `rotations`. */
export type RecordKey = Branded<'RecordKey'>;

export function accountKey(account: AccountId): RecordKey {
  return `account/${account}` as RecordKey;
}
/** The account that a key names; undefined when it names something else. */
export function accountOfKey(key: RecordKey): AccountId | undefined {
  return key.startsWith('account/') ? (key.slice('account/'.length) as AccountId) : undefined;
}
export function nodeKey(node: NodeId): RecordKey {
  return `node/${node}` as RecordKey;
}
export function copiesKey(node: NodeId): RecordKey {
  return `copies/${node}` as RecordKey;
}
export function secretsKey(node: NodeId): RecordKey {
  return `secrets/${node}` as RecordKey;
}
export function inviteKey(invite: InviteId): RecordKey {
  return `invite/${invite}` as RecordKey;
}
export const fleetKey = 'fleet' as RecordKey;
export const poolsKey = 'pools' as RecordKey;
export const usageKey = 'usage' as RecordKey;
export const alertsKey = 'alerts' as RecordKey;
export const rotationsKey = 'rotations' as RecordKey;

/** The fleet as a whole; its founder is the node that nobody invited. */
export interface FleetRecord {
  /** Rises when nodes know more than this store: then it came from a backup. */
  readonly epoch: number;
}

/** What outlives a coordinator of its pools. Permits do not: their holders report them. */
export interface PoolsRecord {
  /** Rises with each start: a permit of a lower one was given by an earlier coordinator. */
  readonly epoch: number;
  /** As long as a permit of it may be at work without being renewed, in milliseconds: the next coordinator waits for that. */
  readonly holdMs?: number | undefined;
}

/** What was seen of the pools. */
export interface UsageRecord {
  /** How many sessions of each were at work at once: for each day, the number of minutes for each number of sessions. */
  readonly days: readonly {
    /** Days since 1970, in UTC. */
    readonly day: number;
    readonly pools: Readonly<Record<string, readonly (readonly [sessions: number, minutes: number])[]>>;
  }[];
  /** Where a pool bounds the starts of a day: when they were, by the hour, and how many. */
  readonly starts?: Readonly<Record<string, readonly (readonly [hour: Instant, sessions: number])[]>> | undefined;
}

export interface NodeRecord {
  readonly id: NodeId;
  readonly name: string;
  /** Base64 of the Ed25519 and X25519 public keys. */
  readonly publicKey: string;
  readonly boxKey: string;
  readonly joinedAt: Instant;
  readonly invite: InviteId;
  /** Null for the founding node. */
  readonly invitedBy: NodeId | null;
  /** By the invite's key over invite id and node key: a link of the membership chain. */
  readonly inviteSignature: string;
  readonly version: string;
  /** When its last link ended; null before that. */
  readonly lastSeen: Instant | null;
  /** Its membership is over. The record stays: the fleet is named after its founder, and codes count whom they admitted. */
  readonly left?: Departure | undefined;
}

/** The end of a membership. */
export interface Departure {
  readonly at: Instant;
  /** Refresh tokens that stayed in its stores: its OpenClaw spends them, so nobody else may. */
  readonly keeps: readonly Fingerprint[];
}

/** A copy as a node that is away last had it. */
export type AwayCopy = Omit<CopyView, 'node'> & {
  readonly account: AccountId;
  /** The refresh token that OpenClaw’s mark of a refresh is about. */
  readonly spends?: Fingerprint | undefined;
};

/** Written when the node's link ends. */
export interface CopiesRecord {
  readonly node: NodeId;
  readonly copies: readonly AwayCopy[];
  /** Refresh tokens in stores that its own configuration keeps out of the fleet's care. */
  readonly withheld?: readonly Fingerprint[] | undefined;
}

/** What a node last told of its secrets. */
export interface SecretsRecord {
  readonly node: NodeId;
  /** Of the key that the fingerprints were made with. */
  readonly keyEpoch: number;
  readonly readings: readonly KeptReading[];
}

/** A reading, and since when it is as it is. */
export type KeptReading = SecretReading & { readonly since: Instant };

export interface InviteRecord {
  readonly id: InviteId;
  /** Base64 of the public half; the code holds the other. */
  readonly publicKey: string;
  readonly uses: number;
  /** Null: the founding code, good until it is used. */
  readonly expiresAt: Instant | null;
  readonly createdBy: NodeId | null;
  readonly createdAt: Instant;
  readonly name?: string | undefined;
  /** The fleet's secrets, sealed with a key that only the code gives. Null in the founding code. */
  readonly sealed: Sealed | null;
  /** By the inviting node's key over invite id and public key. */
  readonly signature: string | null;
}

export type HistoryVerdict = 'accepted' | 'stale' | 'parallel' | 'quarantined' | 'unlinked';

/** A credential that was once reported, refused ones too. */
export interface HistoryRecord {
  readonly number: number;
  readonly revision?: number | undefined;
  /** Absent where an empty token was set aside. */
  readonly access?: Fingerprint | undefined;
  readonly refresh?: Fingerprint | undefined;
  readonly expiresAt: Instant | null;
  readonly issuedAt?: Instant | undefined;
  readonly origin: NodeId;
  readonly at: Instant;
  readonly verdict: HistoryVerdict;
  readonly why: string;
  /** Kept for the newest few, so that an operator can go back to them. */
  readonly sealed?: Sealed | undefined;
}

export interface AccountRecord {
  readonly account: AccountId;
  readonly kind: CredentialKind;
  readonly profile: ProfileId;
  readonly current?:
    | (Revision & {
        readonly acceptedAt: Instant;
        /** The end that it was accepted with, where its home has said another since. */
        readonly acceptedEnd?: Instant | null | undefined;
        readonly why: AcceptedWhy;
        readonly sealed: Sealed;
      })
    | undefined;
  readonly ancestors: readonly Fingerprint[];
  readonly spent: readonly Fingerprint[];
  readonly history: readonly HistoryRecord[];
  readonly nextNumber: number;
  /** What counts as this account though only a profile id says so: nodes (an operator's word), or single copies. */
  readonly linked: readonly string[];
  readonly refresh?: RefreshRecord | undefined;
}
