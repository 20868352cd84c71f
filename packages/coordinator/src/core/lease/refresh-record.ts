import type { Fingerprint, NodeId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';

/** What is known of the refreshing of one login; it counts as long as that login is the current one. */
export interface RefreshRecord {
  /** Of the lease that was given last; it only rises. */
  readonly epoch: number;
  readonly access: Fingerprint;
  readonly refresh: Fingerprint;
  /** The lease that is out: nobody gets another one before its outcome is told or its time is over. */
  readonly lease?: { readonly node: NodeId; readonly since: Instant; readonly until: Instant } | undefined;
  /** Why the refresh token is not simply used when its time has come. */
  readonly halt?: Halt | undefined;
}

export interface Halt {
  /** `in-doubt`: it may be spent, and nobody has what came of it. `needs-login`: nothing but a new sign-in helps. */
  readonly state: 'in-doubt' | 'needs-login';
  /**
   * Who may have spent it: a lease of the fleet, by its holder's own word or for its silence, or an OpenClaw on its own.
   */
  readonly by: 'lease' | 'silence' | 'openclaw';
  readonly node: NodeId;
  readonly since: Instant;
  readonly why: string;
  /** With `silence`: what stood before its lease, and stands again where that used nothing. */
  readonly over?: Halt | undefined;
}
