import type { RecordKey } from '@authmesh/coordinator/core/record';

/** A record as the store holds it. */
export interface Stored {
  readonly value: unknown;
  readonly revision: number;
}

/** The coordinator's store: what is in here is durable. */
export interface Records {
  readonly entries: Map<RecordKey, Stored>;
  lastRevision: number;
  /** Refuses writes: the disk is full. */
  full: boolean;
}

/** How a compare-and-set ended. */
export type SetOutcome =
  | { readonly result: 'set'; readonly revision: number }
  | { readonly result: 'conflict'; readonly stored: Stored | undefined }
  | { readonly result: 'refused' };

export function createRecords(): Records {
  return { entries: new Map(), lastRevision: 0, full: false };
}

export function compareAndSet(records: Records, key: RecordKey, expected: number, value: unknown): SetOutcome {
  if (records.full) return { result: 'refused' };
  const stored = records.entries.get(key);
  if ((stored?.revision ?? 0) !== expected) return { result: 'conflict', stored };
  const revision = ++records.lastRevision;
  records.entries.set(key, { value, revision });
  return { result: 'set', revision };
}

const rows = new WeakMap<object, unknown>();

/** A record as it comes back from the store. It went through JSON: what does not survive that is not durable. */
export function readRow(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  // Values are immutable, so each goes through JSON once, however often a coordinator starts.
  let row = rows.get(value);
  if (row === undefined) {
    row = JSON.parse(JSON.stringify(value));
    rows.set(value, row);
  }
  return row;
}

export type Backup = ReadonlyMap<RecordKey, Stored>;

/** A backup of the whole store; values are immutable, so that sharing them is as good as copying. */
export function backUp(records: Records): Backup {
  return new Map(records.entries);
}

/** Puts a backup in the place of the store, as an operator does whose disk died. */
export function restoreBackup(records: Records, backup: Backup): void {
  records.entries.clear();
  let last = 0;
  for (const [key, stored] of backup) {
    records.entries.set(key, stored);
    last = Math.max(last, stored.revision);
  }
  records.lastRevision = last;
}
