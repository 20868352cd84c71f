import type { Instant, Milliseconds } from '@authmesh/shared/core/time';

/**
 *     offline ──dial timer──► dialing ──link-opened──► online
 *        ▲                       │                        │
 *        └──────link-closed──────┴────────link-closed─────┘        any ──drain-requested──► draining
 */
export type LinkPhase = 'offline' | 'dialing' | 'online' | 'draining';

export interface Link {
  readonly phase: LinkPhase;
  /** Attempts since the link was last good. */
  readonly attempt: number;
  readonly url?: string | undefined;
  readonly since: Instant;
  /** The answer to this link's inventory is complete. */
  readonly synced: boolean;
  /** Why the last attempt failed. */
  readonly problem?: string | undefined;
  /** It was a refusal: coming back as before cannot help. */
  readonly isRefused?: boolean | undefined;
  /** This node is not a member of the fleet any more. */
  readonly isUnknown?: boolean | undefined;
  /** The coordinator sent this node away until then. */
  readonly notBeforeMs?: Milliseconds | undefined;
}

/** Before the first attempt. Every field is there from the start, so that all links are of one shape. */
export const firstLink: Link = {
  phase: 'offline',
  attempt: 0,
  url: undefined,
  since: 0,
  synced: false,
  problem: undefined,
  isRefused: undefined,
  isUnknown: undefined,
  notBeforeMs: undefined,
};
