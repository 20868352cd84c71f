import type { Fingerprint, NodeId } from './identifiers.ts';
import type { Position } from './position.ts';
import type { Instant } from './time.ts';

/** A credential as far as it may be known: the fingerprints of its two secrets. */
export interface Prints {
  readonly access: Fingerprint;
  readonly refresh?: Fingerprint | undefined;
}

/** The credential that an account's stores should hold. */
export interface Revision extends Prints {
  readonly position: Position;
  /** Where the fleet had announced it, when the coordinator learned it again after its store was put back. */
  readonly recoveredFrom?: Position | undefined;
  /** When the access token ends, by the coordinator's clock; null: it does not. */
  readonly expiresAt: Instant | null;
  /** The issuer's own time (`iat` of a JWT), when the access token carries it. */
  readonly issuedAt?: Instant | undefined;
  readonly origin: NodeId;
  /** The node whose stores hold the refresh token under custody `home`. */
  readonly home: NodeId;
  /** Predecessor's generation plus one, sealed inside the record too: no coordinator can roll it back. */
  readonly generation: number;
}

/** What stood validly in a store once. */
export interface Held extends Prints {
  /** When it was to end as that store said, by the clock by which the end of what stands there now is told. */
  readonly expiresAt?: Instant | null | undefined;
}

/** An account's current revision and all that it must never go back to. */
export interface Lineage {
  readonly current?: Revision | undefined;
  /** Access fingerprints that the current one replaced, kept for years. */
  readonly ancestors: ReadonlySet<Fingerprint>;
  /** Refresh fingerprints that a successor has replaced: a single-use token, used. */
  readonly spent: ReadonlySet<Fingerprint>;
}

/** What a node saw in a store, as far as freshness is concerned. */
export interface Candidate extends Prints {
  readonly node: NodeId;
  /** By the coordinator's clock. */
  readonly expiresAt: Instant | null;
  readonly issuedAt?: Instant | undefined;
  /** What stood validly in that store before, newest first. */
  readonly chain: readonly Held[];
  /** False while only a profile id says whose this is and nobody has said that the copies are one account. */
  readonly linked: boolean;
  /** Where this very credential stood when this fleet's coordinator announced it, as the node remembers. */
  readonly announced?:
    | {
        readonly position: Position;
        readonly home: NodeId;
        readonly origin: NodeId;
        /** An operator had taken the fleet back to it. */
        readonly restored?: boolean | undefined;
      }
    | undefined;
}
