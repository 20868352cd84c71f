import { type IncidentRecord, observe } from '@authmesh/shared/core/alerts/incidents';
import { configureChannels, isHeard, tell, told } from '@authmesh/shared/core/alerts/telling';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import { commitRecord } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorEvent } from '../event.ts';
import { alertsKey } from '../record.ts';
import type { CoordinatorState } from '../state.ts';
import { type AlertsRecord, type AlertTerms, alertTermsDefault } from './alerts.ts';
import { conditionsOf } from './conditions.ts';

/** After an event; what comes with it is looked at together. */
const lookMs: Milliseconds = second;
/** Where nothing happens only time itself can bring anything. */
const restMs: Milliseconds = 30 * second;
/** Whoever is there comes back first. */
const firstLookMs: Milliseconds = 5 * second;
/** That the coordinator works is noted so often, */
const aliveMs: Milliseconds = minute;
/** and a gap of this length is told. */
const outageMsMin: Milliseconds = 2 * minute;

/** The coordinator has started: was it away? */
export function beginAlerts(state: CoordinatorState, at: Instant, effects: CoordinatorEffect[]): void {
  const { alerts } = state;
  const { aliveAt } = alerts;
  alerts.startedAt = at;
  configureChannels(alerts, alerts.terms, at, state.elapsed);
  if (aliveAt !== null && at - aliveAt >= outageMsMin) alerts.outage = { from: aliveAt, to: at };
  schedule(state, firstLookMs, effects);
}

/** The operator changed whom to tell. */
export function alertsConfigured(state: CoordinatorState, terms: AlertTerms = alertTermsDefault): void {
  state.alerts.terms = terms;
  configureChannels(state.alerts, terms, state.at, state.elapsed);
}

/** Something happened: it is looked at soon. */
export function alertsTouched(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  const { timerAt, startedAt } = state.alerts;
  if (timerAt !== undefined && state.at - startedAt >= firstLookMs) schedule(state, lookMs, effects);
}

/** The time has come: looks at everything, and tells whoever has to be told. */
export function serveAlerts(state: CoordinatorState, at: Instant, effects: CoordinatorEffect[]): void {
  const { alerts } = state;
  alerts.timerAt = undefined;
  // By a clock that was ahead, nobody would be silent for as long as that was.
  alerts.startedAt = Math.min(alerts.startedAt, at);
  if (state.mode === 'draining') return;
  const { isNews, isUnsettled } = observe(alerts.incidents, conditionsOf(state, at), at, incident =>
    isHeard(alerts, incident, at),
  );
  if (isNews || alerts.outage || at - (alerts.aliveAt ?? 0) >= aliveMs) alerts.isNews = true;
  if (alerts.outage) alerts.incidents.set(outageId, outageOf(alerts.outage, alerts.incidents.get(outageId)));
  alerts.outage = undefined;
  tellAndStore(state, at, effects);
  schedule(state, isUnsettled ? lookMs : restMs, effects);
}

/** A channel has taken a message, or not. */
export function alertTold(
  state: CoordinatorState,
  { channel, outcome }: Extract<CoordinatorEvent, { type: 'told' }>,
  seed: number,
  effects: CoordinatorEffect[],
): void {
  const { alerts, at, elapsed } = state;
  if (told(alerts, channel, outcome, { at, elapsed, seed })) alerts.isNews = true;
  if (!outcome.ok) effects.push(note('alert-refused', { why: `${channel}: ${outcome.why}` }));
  tellAndStore(state, at, effects);
}

/** Tells what is to be told, and stores what is new. */
export function tellAndStore(state: CoordinatorState, at: Instant, effects: CoordinatorEffect[]): void {
  const { alerts, elapsed } = state;
  const { messages, next } = tell(alerts, at, elapsed);
  for (const message of messages) effects.push({ type: 'tell', ...message });
  if (next !== undefined) schedule(state, next - elapsed, effects);
  if (!alerts.isNews || state.pendingRecords.has(alertsKey)) return;
  alerts.isNews = false;
  alerts.aliveAt = at;
  const record: AlertsRecord = {
    incidents: [...alerts.incidents.values()],
    mutes: alerts.mutes,
    channels: Object.fromEntries(alerts.since),
    aliveAt: at,
  };
  commitRecord(state, alertsKey, { type: 'alerts', record, expected: alerts.storeRevision, failed: false }, effects);
}

/** It is durable, or another writer was first: then what this one knows is written again. */
export function settleAlerts(
  state: CoordinatorState,
  storeRevision: number,
  isConflict: boolean,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  state.alerts.storeRevision = storeRevision;
  if (isConflict) state.alerts.isNews = true;
  tellAndStore(state, at, effects);
}

const outageId = 'coordinator/outage';

/** It is over already: told once, and in one message. */
function outageOf(
  { from, to }: { readonly from: Instant; readonly to: Instant },
  before: IncidentRecord | undefined,
): IncidentRecord {
  const what = 'the coordinator was away, and is back';
  const version = (before?.version ?? 0) + 1;
  return {
    id: outageId,
    kind: 'coordinator-away',
    severity: 'critical',
    what,
    why: '',
    where: [],
    since: from,
    breaks: 'in that time nothing was kept in step, and nobody was told of anything',
    mend: 'authmesh-agent status',
    state: 'resolved',
    openedAt: from,
    resolvedAt: to,
    version,
    openedAs: version,
    returns: 0,
    acknowledged: null,
    clearSince: null,
    announced: { text: what, at: to },
    told: before?.told ?? {},
  };
}

/** Looks again after so long, unless it is to be sooner anyway. */
function schedule({ alerts, elapsed }: CoordinatorState, delayMs: Milliseconds, effects: CoordinatorEffect[]): void {
  if (alerts.timerAt !== undefined && alerts.timerAt <= elapsed + delayMs) return;
  alerts.timerAt = elapsed + delayMs;
  effects.push({ type: 'set-timer', timer: 'alerts', delayMs });
}
