import type { TellOutcome } from '@authmesh/shared/core/alerts/incident';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import type { Attest, Enroll } from '@authmesh/shared/protocol/handshake';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import type { AlertTerms } from './alerts/alerts.ts';
import type { Preference } from './lease/leases.ts';
import type { PoolTerms } from './pool/terms.ts';
import type { RecordKey } from './record.ts';

/** Names a connection, in the order in which they were opened. */
export type LinkId = number;

/** What of `coordinator.json` is told to the machine. */
export interface FleetTerms {
  readonly policy: ProfileFilter;
  readonly pools: readonly PoolTerms[];
  /** Which nodes are to refresh, where they can. */
  readonly prefer?: Preference | undefined;
  /** Whom to tell of what is wrong. */
  readonly alerts?: AlertTerms | undefined;
}

export type CoordinatorEvent =
  | { readonly type: 'started' }
  /** A peer proved the key that it names; whether that key is a member's is for the core. */
  | { readonly type: 'attested'; readonly link: LinkId; readonly attest: Omit<Attest, 'type' | 'signature'> }
  /** A peer proved an invite's key and its own. */
  | { readonly type: 'enroll-proved'; readonly link: LinkId; readonly enroll: Omit<Enroll, 'type'> }
  | { readonly type: 'link-closed'; readonly link: LinkId }
  /** The answer to `probe`. */
  | { readonly type: 'link-probed'; readonly link: LinkId; readonly alive: boolean }
  | { readonly type: 'frame-received'; readonly link: LinkId; readonly message: UpMessage }
  | { readonly type: 'persist-succeeded'; readonly key: RecordKey; readonly storeRevision: number }
  /** Somebody else changed the record first; here is what stands there now. */
  | {
      readonly type: 'persist-conflicted';
      readonly key: RecordKey;
      readonly value: unknown;
      readonly storeRevision: number;
    }
  | { readonly type: 'persist-failed'; readonly key: RecordKey; readonly reason: string }
  /** The end of a `tell`. */
  | { readonly type: 'told'; readonly channel: string; readonly outcome: TellOutcome }
  | { readonly type: 'timer-fired'; readonly timer: CoordinatorTimer }
  /** The operator changed `coordinator.json`. */
  | ({ readonly type: 'configured' } & FleetTerms)
  | { readonly type: 'drain-requested' };

/** `retry-persist`: the store refused, try again. `sweep`: cut off the silent. `drained`: long enough.
 * `pools`: a permit, a halt or a wait has come to its end. `leases`: an account is due to be looked at. `alerts`: look at
 * what is wrong. `pushes`: a secret that is being spread is waited for no longer.
 * `rotations`: one is due, or waited for no longer. */
export type CoordinatorTimer =
  | 'retry-persist'
  | 'sweep'
  | 'drained'
  | 'pools'
  | 'leases'
  | 'alerts'
  | 'pushes'
  | 'rotations';
