import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { fleetReadings } from './metrics/fleet-readings.ts';
import { loginReadings } from './metrics/login-readings.ts';
import type { MetricReading, MetricSource } from './metrics/reading.ts';
import { serverReadings } from './metrics/server-readings.ts';

/** What `/metrics` tells: never a secret, and accounts by the tags that the log gives them. */
export interface Metrics {
  /** Prometheus' text format. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
  /** A host has a login that was announced, so many seconds after it was accepted. */
  readonly propagated: (seconds: number) => void;
}

const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600];

/** The metrics of one coordinator; everything but the propagation is read when it is asked for. */
export function createMetrics(source: () => MetricSource): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const reading of [...serverReadings, ...fleetReadings, ...loginReadings]) register(registry, reading, source);
  const propagation = new Histogram({
    name: 'authmesh_propagation_seconds',
    help: 'From the moment when a login became the current one until another host had it on its disk.',
    buckets,
    registers: [registry],
  });
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    propagated: seconds => propagation.observe(seconds),
  };
}

function register(
  registry: Registry,
  { name, help, kind, labels = [], read }: MetricReading,
  source: () => MetricSource,
) {
  const common = { name, help, labelNames: [...labels], registers: [registry] };
  if (kind === 'gauge')
    return new Gauge({
      ...common,
      collect() {
        this.reset();
        for (const [labelled, value] of read(source())) this.set(labelled, value);
      },
    });
  return new Counter({
    ...common,
    collect() {
      this.reset();
      for (const [labelled, value] of read(source())) this.inc(labelled, value);
    },
  });
}
