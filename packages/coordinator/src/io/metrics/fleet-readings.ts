import { poolViews } from '@authmesh/coordinator/core/pool/view';
import { driftOf } from '@authmesh/coordinator/core/secrets/secrets';
import { openCount } from '@authmesh/shared/core/alerts/incidents';
import { dueFor } from '@authmesh/shared/core/alerts/telling';
import { second } from '@authmesh/shared/core/time';
import { countsOf, labelledMax, type MetricReading, type MetricSource, type Sample, single, tally } from './reading.ts';

/** What is told of hosts, sessions, secrets and alerts. */
export const fleetReadings: readonly MetricReading[] = [
  single('gauge', 'authmesh_nodes', 'Members of the fleet.', ({ state }) => state.nodes.size),
  single('gauge', 'authmesh_nodes_online', 'Members whose agent is connected.', onlineCount),
  {
    name: 'authmesh_node_lag_seconds',
    help: `Seconds since a host was last heard; the ${labelledMax} that were heard last the longest ago.`,
    kind: 'gauge',
    labels: ['node'],
    read: lags,
  },
  {
    name: 'authmesh_pool_sessions',
    help: 'Sessions of a pool: its hard limit, what may come back at once now, what is coming back, what waits.',
    kind: 'gauge',
    labels: ['pool', 'state'],
    *read({ state }) {
      for (const { name: pool, limit, live, recovering, waiting } of poolViews(state.pools, state.elapsed))
        for (const [key, value] of Object.entries({ limit, live, active: recovering, waiting }))
          yield [{ pool, state: key }, value];
    },
  },
  {
    name: 'authmesh_limit_marks_total',
    help: 'Times that a pool was slowed: a provider refused sessions or its quota was used up, or sessions did not come back.',
    kind: 'counter',
    labels: ['kind'],
    read: ({ noted }) =>
      countsOf('kind', [
        ['rate-limit', noted.get('limit-lowered') ?? 0],
        ['quota', noted.get('pool-closed') ?? 0],
        ['failed', noted.get('sessions-failed') ?? 0],
      ]),
  },
  {
    name: 'authmesh_secrets',
    help: 'Secrets that hosts share, by how they compare.',
    kind: 'gauge',
    labels: ['state'],
    read: ({ state }) => countsOf('state', tally(keysOf(state).map(key => driftOf(state, key)?.state ?? 'alone'))),
  },
  {
    name: 'authmesh_secret_values',
    help: `Values that a secret has, where that is more than one; at most ${labelledMax} secrets.`,
    kind: 'gauge',
    labels: ['secret'],
    read: ({ state }) => countsOf('secret', differing(state).slice(0, labelledMax)),
  },
  {
    name: 'authmesh_incidents',
    help: 'Incidents that are open, by severity.',
    kind: 'gauge',
    labels: ['severity'],
    *read({ state: { alerts } }) {
      const open = [...alerts.incidents.values()].filter(({ state }) => state === 'open');
      const critical = open.filter(({ severity }) => severity === 'critical').length;
      yield [{ severity: 'critical' }, critical];
      yield [{ severity: 'warning' }, openCount(alerts.incidents) - critical];
    },
  },
  {
    name: 'authmesh_alerts_waiting',
    help: 'Incidents that a channel has still to be told of.',
    kind: 'gauge',
    labels: ['channel'],
    *read({ state: { alerts }, now }) {
      for (const [name, channel] of alerts.channels) yield [{ channel: name }, dueFor(alerts, channel, now).length];
    },
  },
  {
    name: 'authmesh_alert_channel_up',
    help: '0 while a channel takes no messages.',
    kind: 'gauge',
    labels: ['channel'],
    *read({ state: { alerts } }) {
      for (const [name, { trouble }] of alerts.channels) yield [{ channel: name }, trouble ? 0 : 1];
    },
  },
];

type State = MetricSource['state'];

function onlineCount({ state }: MetricSource): number {
  let online = 0;
  for (const { link } of state.nodes.values()) if (link !== undefined) online++;
  return online;
}

function* lags({ state, now }: MetricSource): Generator<Sample> {
  const heard: { readonly node: string; readonly at: number }[] = [];
  for (const { record, link, lastSeen } of state.nodes.values()) {
    const session = link === undefined ? undefined : state.sessions.get(link);
    heard.push({ node: record.name, at: session?.lastHeard ?? lastSeen ?? record.joinedAt });
  }
  const longest = heard.sort((one, other) => one.at - other.at).slice(0, labelledMax);
  for (const { node, at } of longest) yield [{ node }, Math.max(0, now - at) / second];
}

function keysOf({ secrets }: State): string[] {
  return [...secrets.bySecret.keys()];
}

function differing(state: State): (readonly [string, number])[] {
  return keysOf(state).flatMap(key => {
    const groups = driftOf(state, key)?.groups.length ?? 0;
    const { name, group } = JSON.parse(key) as { readonly name: string; readonly group?: string };
    return groups > 1 ? [[group === undefined ? name : `${name} (${group})`, groups] as const] : [];
  });
}
