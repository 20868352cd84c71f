import type { Fingerprint } from './identifiers.ts';
import { type SecretForm, type SecretReading, secretForms } from './secret-reading.ts';
import type { Instant } from './time.ts';

/** A reading where it belongs. */
export interface PlacedReading extends Pick<SecretReading, 'source' | 'kind' | 'found'> {
  /** The host that read it, or the place that the source stands for. */
  readonly at: string;
  /** Since when it is as it is, by the coordinator's clock. */
  readonly since: Instant;
  /** No other reading is of this place: ten thousand of them need not be told apart. */
  readonly isSole?: boolean | undefined;
}

/** The places that hold one value. */
export interface DriftGroup {
  readonly fingerprint: Fingerprint;
  /** Some of the places, by name; `count` is how many there are. */
  readonly places: readonly string[];
  readonly count: number;
  /** What stands around the value there. */
  readonly forms: readonly SecretForm[];
  /** Fewer places than the largest group has. */
  readonly isMinority: boolean;
}

/** How the places of one secret compare. What was not looked at is never called equal. */
export interface Drift {
  /** By what is worst; `alone`: there is nothing to compare the only value with. */
  readonly state: 'equal' | 'differs' | 'missing' | 'unreadable' | 'alone';
  /** Largest first. */
  readonly groups: readonly DriftGroup[];
  /** The values are the same but for this; empty where they are equal, or differ in more. */
  readonly variants: readonly SecretForm[];
  /** Processes that still have another value than what is stored beside them. */
  readonly stale: readonly PlacedReading[];
  readonly missing: readonly PlacedReading[];
  readonly unreadable: readonly PlacedReading[];
  /** Since when a value differs or is missing. */
  readonly since: Instant | null;
  readonly compared: number;
  readonly declared: number;
}

/** Values, and places of each, that are named: a screen takes no more. */
export const placesNamed = 20;

type Read = PlacedReading & { readonly found: { readonly state: 'read' } };

/** Compares all readings of one secret; their order is of no account. */
export function compareReadings(readings: readonly PlacedReading[]): Drift {
  const read: Read[] = [];
  const missing: PlacedReading[] = [];
  const unreadable: PlacedReading[] = [];
  for (const reading of readings) {
    if (isRead(reading)) read.push(reading);
    else (reading.found.state === 'missing' ? missing : unreadable).push(reading);
  }
  const { valid, stale } = separateStale(read);
  const groups = groupByValue(valid);
  const isOneValue = valid.every(({ found }) => found.loose === valid[0]?.found.loose);
  return {
    state: stateOf({ groups, stale, missing, unreadable, count: read.length }),
    groups,
    variants: groups.length > 1 && isOneValue ? variantsOf(valid) : [],
    stale,
    missing,
    unreadable,
    since: earliest([differentSince(valid), ...[...stale, ...missing].map(({ since }) => since)]),
    compared: read.length + missing.length,
    declared: readings.length,
  };
}

function isRead(reading: PlacedReading): reading is Read {
  return reading.found.state === 'read';
}

/**
 * A process is measured by what is stored at its own place: the next start will use that, so a process with another
 * value is behind, and says nothing of other places. How a loader strips quotes is no difference.
 */
function separateStale(read: readonly Read[]): { readonly valid: readonly Read[]; readonly stale: readonly Read[] } {
  const processes = new Set(read.filter(({ kind }) => kind === 'process').map(({ at }) => at));
  if (processes.size === 0) return { valid: read, stale: [] };
  const stored = new Map<string, Set<Fingerprint>>();
  for (const { kind, at, found } of read) {
    if (kind === 'process' || !processes.has(at)) continue;
    const values = stored.get(at) ?? new Set();
    stored.set(at, values.add(found.loose));
  }
  const valid: Read[] = [];
  const stale: Read[] = [];
  for (const reading of read) {
    const beside = reading.kind === 'process' ? stored.get(reading.at) : undefined;
    if (!beside) valid.push(reading);
    else if (!beside.has(reading.found.loose)) stale.push(reading);
  }
  return { valid, stale };
}

function groupByValue(read: readonly Read[]): DriftGroup[] {
  const holders = new Map<Fingerprint, Holder>();
  for (const { at, isSole, found } of read) {
    let holder = holders.get(found.exact);
    if (!holder) {
      holder = { places: [], count: 0, shared: new Set(), forms: found.forms };
      holders.set(found.exact, holder);
    }
    // A place may hold a value twice.
    if (!isSole && holder.shared.has(at)) continue;
    if (!isSole) holder.shared.add(at);
    if (holder.places.length < placesNamed) holder.places.push(at);
    holder.count += 1;
  }
  let most = 0;
  for (const { count } of holders.values()) most = Math.max(most, count);
  return [...holders]
    .map(([fingerprint, { places, count, forms }]) => ({ fingerprint, places, count, forms, isMinority: count < most }))
    .sort((one, other) => other.count - one.count || compareText(one.fingerprint, other.fingerprint));
}

interface Holder {
  readonly places: string[];
  count: number;
  readonly shared: Set<string>;
  readonly forms: readonly SecretForm[];
}

function variantsOf(read: readonly Read[]): SecretForm[] {
  const isEverywhere = (form: SecretForm) => read.every(({ found }) => found.forms.includes(form));
  const isAnywhere = (form: SecretForm) => read.some(({ found }) => found.forms.includes(form));
  const differing = secretForms.filter(form => isAnywhere(form) && !isEverywhere(form));
  // Blanks before and blanks behind are both white space.
  return differing.length > 0 ? differing : secretForms.filter(isAnywhere);
}

/** Values that stand to this day have differed since the younger of the first two that do. */
function differentSince(read: readonly Read[]): Instant | undefined {
  const oldest = longestStanding(read)?.found.exact;
  return longestStanding(read.filter(({ found }) => found.exact !== oldest))?.since;
}

function longestStanding(read: readonly Read[]): Read | undefined {
  return read.reduce<Read | undefined>((first, one) => (first && first.since <= one.since ? first : one), undefined);
}

function earliest(instants: readonly (Instant | undefined)[]): Instant | null {
  const known = instants.filter(instant => instant !== undefined);
  return known.length === 0 ? null : Math.min(...known);
}

function stateOf({
  groups,
  stale,
  missing,
  unreadable,
  count,
}: Pick<Drift, 'groups' | 'stale' | 'missing' | 'unreadable'> & { readonly count: number }): Drift['state'] {
  if (groups.length > 1 || stale.length > 0) return 'differs';
  if (missing.length > 0) return 'missing';
  if (unreadable.length > 0) return 'unreadable';
  return count > 1 ? 'equal' : 'alone';
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
