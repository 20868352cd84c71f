import { type IncidentDocument, incidentDocument } from '@authmesh/shared/node/alerts/incident-document';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import { iso } from './copy-status.ts';

/** What is wrong, and who has been told, as `alerts` shows it; times as ISO text. */
export interface AlertStatus {
  /** Open ones first, worst first; then the last that are over. */
  readonly incidents: readonly IncidentDocument[];
  /** All that are open. */
  readonly open: number;
  readonly mutes: readonly { readonly pattern: string; readonly until: string; readonly by: string }[];
  readonly channels: readonly {
    readonly name: string;
    /** Incidents that it has still to be told. */
    readonly waiting: number;
    readonly trouble?: { readonly since: string; readonly why: string } | undefined;
  }[];
}

/** The coordinator's answer in words of this program. */
export function alertStatus(answer: Extract<AnswerBody, { type: 'alerts' }>): AlertStatus {
  return {
    incidents: answer.incidents.map(incidentDocument),
    open: answer.open,
    mutes: answer.mutes.map(({ until, ...mute }) => ({ ...mute, until: iso(until) })),
    channels: answer.channels.map(({ trouble, ...channel }) => ({
      ...channel,
      trouble: trouble && { ...trouble, since: iso(trouble.since) },
    })),
  };
}
