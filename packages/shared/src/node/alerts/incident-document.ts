import type { Incident } from '@authmesh/shared/core/alerts/incident';
import { type Instant, never } from '@authmesh/shared/core/time';

/** An incident as programs are given it: times as ISO text. */
export type IncidentDocument = Omit<Incident, 'since' | 'openedAt' | 'resolvedAt' | 'acknowledged'> & {
  readonly since: string;
  readonly openedAt: string;
  readonly resolvedAt: string | null;
  readonly acknowledged: { readonly by: string; readonly at: string } | null;
};

/** As `alerts --json`, webhooks and commands show it. */
export function incidentDocument({
  since,
  openedAt,
  resolvedAt,
  acknowledged,
  ...incident
}: Incident): IncidentDocument {
  return {
    ...incident,
    since: iso(since),
    openedAt: iso(openedAt),
    resolvedAt: resolvedAt === null ? null : iso(resolvedAt),
    acknowledged: acknowledged && { ...acknowledged, at: iso(acknowledged.at) },
  };
}

function iso(at: Instant): string {
  return new Date(Math.min(at, never)).toISOString();
}
