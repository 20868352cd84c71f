import type { Mute } from '@authmesh/shared/core/alerts/incident';
import type { IncidentRecord } from '@authmesh/shared/core/alerts/incidents';
import type { Telling, TellingTerms } from '@authmesh/shared/core/alerts/telling';
import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';

/** Whom to tell of what, as `coordinator.json` says. */
export interface AlertTerms extends TellingTerms {
  /** How long a host may be away before that is told. */
  readonly nodeSilentMs: Milliseconds;
}

export const alertTermsDefault: AlertTerms = { channels: [], messagesPerHour: 30, nodeSilentMs: 15 * minute };

/** What is wrong, and who was told of it, in the store. */
export interface AlertsRecord {
  /** In the order in which they opened. */
  readonly incidents: readonly IncidentRecord[];
  readonly mutes: readonly Mute[];
  /** Since when each channel is told of anything. */
  readonly channels: Readonly<Record<string, Instant>>;
  /** When the coordinator was last known to work. */
  readonly aliveAt: Instant;
}

export interface AlertsState extends Telling {
  terms: AlertTerms;
  startedAt: Instant;
  /** When this coordinator, or one before it on the same store, was last known to work. */
  aliveAt: Instant | null;
  /** The time that nobody watched, before this start, until it is told. */
  outage?: { readonly from: Instant; readonly to: Instant } | undefined;
  storeRevision: number;
  /** There is something to be stored. */
  isNews: boolean;
  /** When the `alerts` timer is set for, by the elapsed clock. */
  timerAt?: Milliseconds | undefined;
}

/** As they stand in the store. */
export function createAlerts(
  stored: { readonly record: AlertsRecord; readonly storeRevision: number } | undefined,
  terms: AlertTerms = alertTermsDefault,
): AlertsState {
  const { record, storeRevision = 0 } = stored ?? {};
  return {
    terms,
    messagesPerHour: terms.messagesPerHour,
    incidents: new Map((record?.incidents ?? []).map(incident => [incident.id, incident])),
    mutes: record?.mutes ?? [],
    channels: new Map(),
    since: new Map(Object.entries(record?.channels ?? {})),
    aliveAt: record?.aliveAt ?? null,
    startedAt: 0,
    storeRevision,
    isNews: false,
  };
}
