import type { CloseReason } from '@authmesh/shared/protocol/close-codes';

/** What the metrics are made of; the counts only rise. */
export interface ServerCounters {
  readonly links: number;
  readonly halfOpen: number;
  /** The most that there ever were. */
  readonly halfOpenPeak: number;
  readonly linksTotal: number;
  /** Turned away before they were a link: too many had proved nothing. */
  readonly turnedAwayTotal: number;
  readonly framesReceivedTotal: number;
  readonly bytesReceivedTotal: number;
  readonly messagesSentTotal: number;
  readonly announcementsTotal: number;
  /** One for each socket that an announcement was written to. */
  readonly deliveriesTotal: number;
  /** Links that this side ended, by reason. */
  readonly closedTotal: Readonly<Partial<Record<CloseReason, number>>>;
}
