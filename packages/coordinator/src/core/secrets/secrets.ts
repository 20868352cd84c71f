import { compareReadings, type Drift, type PlacedReading } from '@authmesh/shared/core/drift';
import type { NodeId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import type { Instant } from '@authmesh/shared/core/time';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { commitRecord } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { type KeptReading, type SecretsRecord, secretsKey } from '../record.ts';
import type { CoordinatorState } from '../state.ts';

/*
 * What hosts tell of their secrets, kept so that a restart forgets neither who is away nor since when a value differs. Nothing
 * is decided by it: it is compared, and told to operators.
 */

/** Name and group of a secret: within them its places are compared. */
type SecretKey = string;

/** The indexes are updated in place. */
export interface SecretsState {
  readonly told: Map<NodeId, { readonly record: SecretsRecord; readonly storeRevision: number }>;
  /** The same by secret: a change of one is compared with all of its places, and with nothing else. */
  readonly bySecret: Map<SecretKey, Map<NodeId, ToldSecret>>;
  /** How each compares, until something of it changes: asked for far more often than it does. */
  readonly compared: Map<SecretKey, Drift>;
}

/** What a node told of one secret, each reading at its place. */
interface ToldSecret {
  readonly keyEpoch: number;
  readonly readings: readonly PlacedReading[];
}

/** As they stand in the store. */
export function createSecrets(
  rows: readonly { readonly record: SecretsRecord; readonly storeRevision: number }[],
  nodes: CoordinatorState['nodes'],
): SecretsState {
  const secrets: SecretsState = { told: new Map(), bySecret: new Map(), compared: new Map() };
  for (const { record, storeRevision } of rows) {
    secrets.told.set(record.node, { record, storeRevision });
    for (const [key, readings] of bySecretOf(record.readings)) {
      const told = secrets.bySecret.get(key) ?? new Map<NodeId, ToldSecret>();
      secrets.bySecret.set(key, told.set(record.node, toldSecret(record, readings, nodes)));
    }
  }
  return secrets;
}

/** A node told all of its secrets anew. */
export function secretsTold(
  state: CoordinatorState,
  node: NodeId,
  { keyEpoch, readings }: Extract<UpMessage, { type: 'secrets' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const before = state.secrets.told.get(node)?.record;
  if (!before && readings.length === 0) return;
  const isSameKey = before?.keyEpoch === keyEpoch;
  const kept = readings.map(reading => ({ ...reading, since: (isSameKey && standsSince(before, reading)) || at }));
  if (isSameKey && JSON.stringify(before.readings) === JSON.stringify(kept)) return;
  replace(state, { node, keyEpoch, readings: kept }, effects);
}

/** What a node that left had is compared no longer. */
export function forgetSecrets(state: CoordinatorState, node: NodeId, effects: CoordinatorEffect[]): void {
  const before = state.secrets.told.get(node)?.record;
  if (before && before.readings.length > 0) replace(state, { ...before, readings: [] }, effects);
}

function replace(state: CoordinatorState, record: SecretsRecord, effects: CoordinatorEffect[]): void {
  const { told, bySecret, compared } = state.secrets;
  const { node } = record;
  const before = told.get(node);
  const [was, is] = [bySecretOf(before?.record.readings ?? []), bySecretOf(record.readings)];
  told.set(node, { record, storeRevision: before?.storeRevision ?? 0 });
  for (const key of new Set([...was.keys(), ...is.keys()])) {
    const readings = is.get(key);
    if (JSON.stringify(readings) === JSON.stringify(was.get(key))) continue;
    const stood = driftOf(state, key)?.state;
    const tellers = bySecret.get(key) ?? new Map<NodeId, ToldSecret>();
    if (readings) tellers.set(node, toldSecret(record, readings, state.nodes));
    else tellers.delete(node);
    if (tellers.size > 0) bySecret.set(key, tellers);
    else bySecret.delete(key);
    compared.delete(key);
    tellChange(state, key, stood, effects);
  }
  commitSecrets(state, node, effects);
}

function tellChange(
  state: CoordinatorState,
  key: SecretKey,
  was: Drift['state'] | undefined,
  effects: CoordinatorEffect[],
): void {
  const is = driftOf(state, key)?.state;
  if (is === undefined || is === was) return;
  const { name } = JSON.parse(key) as { readonly name: string };
  if (is === 'equal' && was !== undefined && was !== 'alone') effects.push(note('secret-equal', { why: name }));
  else if (is !== 'equal' && is !== 'alone') effects.push(note('secret-drifted', { why: `${name}: ${is}` }));
}

/** How the places of one secret compare; undefined where nobody declares it any more. */
export function driftOf(state: CoordinatorState, key: SecretKey): Drift | undefined {
  const { bySecret, compared } = state.secrets;
  const told = bySecret.get(key);
  if (!told) return undefined;
  const drift = compared.get(key) ?? compareReadings(comparable(told));
  compared.set(key, drift);
  return drift;
}

/** Fingerprints under an older key of the fleet say nothing of those under the newest. */
function comparable(told: ReadonlyMap<NodeId, ToldSecret>): PlacedReading[] {
  let newest = 0;
  for (const { keyEpoch } of told.values()) newest = Math.max(newest, keyEpoch);
  const all: PlacedReading[] = [];
  for (const { keyEpoch, readings } of told.values())
    for (const reading of readings) all.push(keyEpoch === newest ? reading : { ...reading, found: outdated });
  return all;
}

const outdated = { state: 'unreadable', why: 'its host has an older key of the fleet' } as const;

function toldSecret(
  { node, keyEpoch }: SecretsRecord,
  readings: readonly KeptReading[],
  nodes: CoordinatorState['nodes'],
): ToldSecret {
  const host = nodes.get(node)?.record.name ?? node;
  const placed = readings.map(({ place, source, kind, since, found }) => ({
    at: place ?? host,
    isSole: readings.length === 1 && place === undefined,
    source,
    kind,
    since,
    found,
  }));
  return { keyEpoch, readings: placed };
}

/** It is durable, or another writer was first (without `readings`): the host may have told something else meanwhile. */
export function settleSecrets(
  state: CoordinatorState,
  { node, readings }: Pick<SecretsRecord, 'node'> & { readonly readings: SecretsRecord['readings'] | undefined },
  storeRevision: number,
  effects: CoordinatorEffect[],
): void {
  const entry = state.secrets.told.get(node);
  if (!entry) return;
  state.secrets.told.set(node, { ...entry, storeRevision });
  if (entry.record.readings !== readings) commitSecrets(state, node, effects);
}

function commitSecrets(state: CoordinatorState, node: NodeId, effects: CoordinatorEffect[]): void {
  const key = secretsKey(node);
  const entry = state.secrets.told.get(node);
  if (!entry || state.pendingRecords.has(key)) return;
  const { record, storeRevision } = entry;
  commitRecord(state, key, { type: 'secrets', record, expected: storeRevision, failed: false }, effects);
}

function bySecretOf(readings: readonly KeptReading[]): Map<SecretKey, readonly KeptReading[]> {
  const bySecret = new Map<SecretKey, readonly KeptReading[]>();
  for (const reading of readings) {
    const key = secretKeyOf(reading);
    bySecret.set(key, [...(bySecret.get(key) ?? []), reading]);
  }
  return bySecret;
}

/** The key of a secret, by which its places are found. */
export function secretKeyOf({ name, group }: Pick<SecretReading, 'name' | 'group'>): SecretKey {
  return JSON.stringify({ name, group });
}

/** Since when the same was found there; a process that was started anew has another source, and may have the same value. */
function standsSince(before: SecretsRecord, reading: SecretReading): Instant | undefined {
  const found = JSON.stringify(reading.found);
  return before.readings.find(
    one =>
      one.name === reading.name &&
      one.group === reading.group &&
      one.place === reading.place &&
      one.kind === reading.kind &&
      JSON.stringify(one.found) === found,
  )?.since;
}
