import type { CoordinatorState } from '@authmesh/coordinator/core/state';
import type { NoteName } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import type { Tagger } from '@authmesh/shared/node/log-fields';
import type { ServerCounters } from '../server-counters.ts';

/** What metrics are read from, at the moment when somebody asks. */
export interface MetricSource {
  readonly state: CoordinatorState;
  readonly now: Instant;
  readonly counters: ServerCounters;
  /** How often the core has noted and audited what, since the start. */
  readonly noted: ReadonlyMap<NoteName, number>;
  readonly audited: ReadonlyMap<string, number>;
  /** The name of an account as the log has it: metrics go where identities have no business. */
  readonly tag: Tagger;
}

export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** One metric: what it is called, and what it stands at. */
export interface MetricReading {
  readonly name: `authmesh_${string}`;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  readonly labels?: readonly string[] | undefined;
  readonly read: (source: MetricSource) => Iterable<Sample>;
}

/** Accounts, nodes and secrets that a metric tells apart: of more, those that matter most. */
export const labelledMax = 200;

/** A metric without labels. */
export function single(
  kind: MetricReading['kind'],
  name: MetricReading['name'],
  help: string,
  read: (source: MetricSource) => number,
): MetricReading {
  return { name, help, kind, read: source => [[{}, read(source)]] };
}

/** The counts of a map, with their keys as the label. */
export function* countsOf(label: string, counts: Iterable<readonly [string, number]>): Generator<Sample> {
  for (const [key, count] of counts) yield [{ [label]: key }, count];
}

/** How often each value comes. */
export function tally<Value extends string>(values: Iterable<Value>): Map<Value, number> {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
