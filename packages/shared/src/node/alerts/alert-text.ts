import type { AlertMessage, Incident } from '@authmesh/shared/core/alerts/incident';
import { type Instant, never } from '@authmesh/shared/core/time';
import { describeDuration } from '../duration.ts';

/** Incidents of a digest that are told with a line of their own. */
const digestLinesMax = 20;

/** A message in one line. */
export function alertTitle({ event, incidents }: AlertMessage): string {
  const [first] = incidents;
  if (event !== 'digest' && first) {
    const severity = event === 'resolved' ? '' : ` (${first.severity})`;
    return `${event}${severity}: ${first.what}`;
  }
  return `${incidents.length} changes: ${countsOf(incidents)}`;
}

/** A message as a person reads it: what, where, since when, what it breaks, and what mends it. */
export function alertText(message: AlertMessage, now: Instant): string {
  const { event, incidents } = message;
  const [first] = incidents;
  if (event !== 'digest' && first) return [alertTitle(message), ...detailsOf(first, now)].join('\n');
  const lines = incidents.slice(0, digestLinesMax).map(({ state, what, id }) => `- ${state}: ${what} (${id})`);
  const more = incidents.length - lines.length;
  return [
    alertTitle(message),
    ...lines,
    ...(more > 0 ? [`- and ${more} more`] : []),
    'all of it: authmesh-agent alerts',
  ].join('\n');
}

function detailsOf(
  { state, why, where, since, resolvedAt, openedAt, breaks, mend, id, returns }: Incident,
  now: Instant,
): string[] {
  const lines = [...(why === '' ? [] : [`why: ${why}`]), ...(where.length === 0 ? [] : [`where: ${where.join(', ')}`])];
  if (state === 'resolved' && resolvedAt !== null) {
    const from = Math.min(since, openedAt);
    lines.push(`from ${moment(from)} to ${moment(resolvedAt)} (${describeDuration(resolvedAt - from)})`);
  } else {
    lines.push(`since: ${moment(since)} (${describeDuration(Math.max(0, now - since))})`);
    lines.push(`breaks: ${breaks}`, `mend: ${mend}`);
  }
  if (returns > 0) lines.push(`it has come back ${returns} times`);
  return [...lines, `id: ${id}`];
}

function countsOf(incidents: readonly Incident[]): string {
  const count = (isIt: (incident: Incident) => boolean) => incidents.filter(isIt).length;
  const critical = count(({ state, severity }) => state === 'open' && severity === 'critical');
  const warning = count(({ state, severity }) => state === 'open' && severity === 'warning');
  const resolved = count(({ state }) => state === 'resolved');
  return [
    ...(critical > 0 ? [`${critical} critical`] : []),
    ...(warning > 0 ? [`${warning} warning`] : []),
    ...(resolved > 0 ? [`${resolved} resolved`] : []),
  ].join(', ');
}

function moment(at: Instant): string {
  return new Date(Math.min(at, never))
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
}
