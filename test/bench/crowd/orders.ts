/** What the bench tells the process of a crowd, and what that answers. */

export interface Crowd {
  readonly url: string;
  /** `attest` proves a member's key; `inventory` goes on until the coordinator has compared everything. */
  readonly until: 'opened' | 'welcome' | 'synced';
  /** Base64 seeds of the members' keys, one for each client. */
  readonly seeds: readonly string[];
  readonly fleet: string;
  /** Profiles that each client reports. */
  readonly profiles: number;
  /** Each comes again as an agent does, until all are there; also when they are cut off after that. */
  readonly isInsistent?: boolean | undefined;
}

export type Order = { readonly type: 'connect'; readonly crowd: Crowd } | { readonly type: 'disconnect' };

export type Report =
  | {
      readonly type: 'connected';
      /** When the last client was there, by the monotonic clock. */
      readonly at: number;
      /** Milliseconds of the client that waited longest. */
      readonly longestMs: number;
      readonly beganAt: number;
      readonly refused: number;
    }
  /** Every client has the next announcement. */
  | { readonly type: 'announced'; readonly at: number; readonly frameBytes: number }
  | { readonly type: 'disconnected' };
