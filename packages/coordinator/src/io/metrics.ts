import { driftOf } from '@authmesh/coordinator/core/secrets/secrets';
import type { CoordinatorState } from '@authmesh/coordinator/core/state';
import type { NoteName } from '@authmesh/shared/core/notes';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ServerCounters } from './server-counters.ts';

/** What `/metrics` tells: counts and sizes, never an account or a node by name. */
export interface Metrics {
  /** Prometheus' text format. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
}

/** The metrics of one coordinator; everything is read when it is asked for. `noted` counts what the core has noted. */
export function createMetrics(
  state: () => CoordinatorState,
  counters: () => ServerCounters,
  noted: ReadonlyMap<NoteName, number>,
): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Counter({
    name: 'authmesh_events_total',
    help: 'What happened, by the name that the log gives it.',
    labelNames: ['event'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [event, count] of noted) this.inc({ event }, count);
    },
  });
  gauge(registry, 'authmesh_nodes', 'Members of the fleet.', () => state().nodes.size);
  gauge(registry, 'authmesh_nodes_online', 'Members whose agent is connected.', () => onlineCount(state()));
  gauge(registry, 'authmesh_accounts', 'Accounts known to the fleet.', () => state().accounts.size);
  gauge(registry, 'authmesh_links', 'Open connections.', () => counters().links);
  gauge(registry, 'authmesh_links_unproven', 'Connections that have proved nothing yet.', () => counters().halfOpen);
  gauge(
    registry,
    'authmesh_links_unproven_peak',
    'The most of them that there ever were.',
    () => counters().halfOpenPeak,
  );
  new Gauge({
    name: 'authmesh_secrets',
    help: 'Secrets that hosts share, by how they compare.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const key of state().secrets.bySecret.keys()) this.inc({ state: driftOf(state(), key)?.state ?? 'alone' });
    },
  });
  for (const [name, help, read] of totals) {
    gauge(registry, `authmesh_${name}_total`, help, () => read(counters()));
  }
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

const totals: readonly [name: string, help: string, read: (counters: ServerCounters) => number][] = [
  ['links', 'Connections that were accepted.', counters => counters.linksTotal],
  [
    'links_turned_away',
    'Connections refused because too many had proved nothing.',
    counters => counters.turnedAwayTotal,
  ],
  ['frames_received', 'Frames that came in.', counters => counters.framesReceivedTotal],
  ['announcements', 'Announcements signed.', counters => counters.announcementsTotal],
  ['announcement_deliveries', 'Sockets that announcements were written to.', counters => counters.deliveriesTotal],
];

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

function onlineCount(state: CoordinatorState): number {
  let online = 0;
  for (const node of state.nodes.values()) if (node.link !== undefined) online++;
  return online;
}
