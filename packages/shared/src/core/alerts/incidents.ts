import { day, hasPassed, type Instant, type Milliseconds, minute, second } from '../time.ts';
import type { Condition, Incident } from './incident.ts';

/*
 * Conditions are a function of the state: nothing has to remember to open or close an incident, and a restart neither forgets
 * nor repeats one. What they are now, held against the incidents there are, says what has opened, changed and ended.
 */

/** An incident as it is kept. */
export interface IncidentRecord extends Incident {
  /** Open still, though its condition has been gone since then; null while the condition holds. */
  readonly clearSince: Instant | null;
  /** The condition as it was last worth telling, and when that was. */
  readonly announced: { readonly text: string; readonly at: Instant };
  /** The version that it opened with, the last time that it did. */
  readonly openedAs: number;
  /** By channel: the version that it was told of. */
  readonly told: Readonly<Record<string, number>>;
}

/** By id, in the order in which they opened; updated in place. */
export type Incidents = Map<string, IncidentRecord>;

/** What is open beyond that is not looked at before there is room. */
export const openMax = 1_000;
/** Incidents that are over and still shown. */
export const resolvedMax = 100;
const resolvedKeptMs: Milliseconds = 7 * day;
/** One that comes back within this time is the same one again. */
const returnMs: Milliseconds = 10 * minute;
/** A condition has to be gone for so long; four times as long with each return, for what flaps is not over. */
const clearMsBase: Milliseconds = 2 * second;
const clearMsMax: Milliseconds = 10 * minute;
/** A change that makes it no worse is told once in this time. */
const changeMs: Milliseconds = minute;

/** Brings the incidents up to date; what is over is kept until it `isHeard` by all. Gives whether anything is new, and whether time alone will bring more. */
export function observe(
  incidents: Incidents,
  conditions: readonly Condition[],
  at: Instant,
  isHeard: (incident: IncidentRecord) => boolean = () => true,
): { readonly isNews: boolean; readonly isUnsettled: boolean } {
  let isNews = false;
  let isUnsettled = false;
  const put = (incident: IncidentRecord) => {
    isNews = true;
    incidents.set(incident.id, incident);
  };
  const holding = new Set<string>();
  let room = openMax - openCount(incidents);
  for (const condition of conditions) {
    holding.add(condition.id);
    const before = incidents.get(condition.id);
    if (before?.state === 'open') {
      const after = heldOn(before, condition, at);
      if (after !== before) put(after);
      if (after.announced.text !== textOf(condition)) isUnsettled = true;
    } else if (room-- > 0) {
      // In the order in which they opened.
      incidents.delete(condition.id);
      put(opened(condition, before, at));
    }
  }
  for (const incident of incidents.values()) {
    if (incident.state === 'resolved' || holding.has(incident.id)) continue;
    if (incident.clearSince === null) put({ ...incident, clearSince: at });
    else if (hasPassed(incident.clearSince, clearMs(incident), at)) put(resolved(incident, at));
    isUnsettled ||= incidents.get(incident.id)?.state === 'open';
  }
  return { isNews: forget(incidents, at, isHeard) || isNews, isUnsettled };
}

/** The time that its condition has to be gone before it is over. */
export function clearMs({ returns }: Pick<Incident, 'returns'>): Milliseconds {
  return Math.min(clearMsMax, clearMsBase * 4 ** Math.min(returns, 10));
}

function opened(condition: Condition, before: IncidentRecord | undefined, at: Instant): IncidentRecord {
  const isReturn = before?.resolvedAt !== undefined && before.resolvedAt !== null && at - before.resolvedAt < returnMs;
  const version = (before?.version ?? 0) + 1;
  return {
    ...condition,
    state: 'open',
    openedAt: at,
    resolvedAt: null,
    version,
    openedAs: version,
    returns: isReturn ? before.returns + 1 : 0,
    acknowledged: null,
    clearSince: null,
    announced: { text: textOf(condition), at },
    told: before?.told ?? {},
  };
}

function heldOn(before: IncidentRecord, condition: Condition, at: Instant): IncidentRecord {
  const isWorse = condition.severity === 'critical' && before.severity !== 'critical';
  const isBack = before.clearSince !== null;
  // What is known of it may begin anew with a report; it has not.
  const since = condition.kind === before.kind ? Math.min(before.since, condition.since) : condition.since;
  const isSame = textOf(before) === textOf(condition) && before.why === condition.why && before.mend === condition.mend;
  const after =
    isBack || !isSame
      ? { ...before, ...condition, since, clearSince: null, returns: before.returns + (isBack ? 1 : 0) }
      : before;
  if (before.announced.text === textOf(condition)) return after;
  const isQuiet = before.acknowledged !== null && !isWorse;
  if (isQuiet || (!isWorse && !hasPassed(before.announced.at, changeMs, at))) return after;
  const announced = { text: textOf(condition), at };
  return { ...after, version: before.version + 1, announced, acknowledged: isWorse ? null : before.acknowledged };
}

function resolved(incident: IncidentRecord, at: Instant): IncidentRecord {
  return { ...incident, state: 'resolved', resolvedAt: at, version: incident.version + 1, clearSince: null };
}

/** What is told of a condition: it has changed when this has. */
function textOf({ kind, severity, what, where }: Condition): string {
  return JSON.stringify([kind, severity, what, where]);
}

function forget(incidents: Incidents, at: Instant, isHeard: (incident: IncidentRecord) => boolean): boolean {
  const resolved = [...incidents.values()].filter(({ state }) => state === 'resolved');
  // A receiver that is down for long hears of the latest thousand.
  const over = resolved.filter((incident, index) => isHeard(incident) || resolved.length - index > openMax);
  const gone = over.filter(
    ({ resolvedAt }, index) => over.length - index > resolvedMax || at - (resolvedAt ?? at) > resolvedKeptMs,
  );
  for (const { id } of gone) incidents.delete(id);
  return gone.length > 0;
}

/** How many are open. */
export function openCount(incidents: Incidents): number {
  let count = 0;
  for (const { state } of incidents.values()) if (state === 'open') count++;
  return count;
}
