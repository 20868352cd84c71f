import type { Fingerprint, NodeId, Sealed } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { AccountRecord, HistoryRecord, HistoryVerdict } from './record.ts';

/** Entries kept of an account; the ancestors' fingerprints are kept apart, and for years. */
export const historyEntriesMax = 64;
/** Entries whose sealed record is kept, so that an operator can go back to them. */
export const historyRecordsMax = 8;

/** What is to be remembered of one credential that a node reported. */
export interface Sighting {
  readonly access: Fingerprint;
  readonly refresh?: Fingerprint | undefined;
  readonly expiresAt: Instant | null;
  readonly issuedAt?: Instant | undefined;
  readonly origin: NodeId;
  readonly at: Instant;
  readonly verdict: HistoryVerdict;
  readonly why: string;
  readonly revision?: number | undefined;
  readonly sealed?: Sealed | undefined;
}

/** Whether the history says this already: a node that reconnects tells the same story again. */
export function isRecorded(record: AccountRecord, sighting: Pick<Sighting, 'access' | 'origin' | 'verdict'>): boolean {
  const last = record.history.findLast(entry => entry.access === sighting.access && entry.origin === sighting.origin);
  return last?.verdict === sighting.verdict;
}

/** The revision of the next accepted login, above all that nodes have seen. */
export function nextRevision(record: AccountRecord, seen = 0): number {
  return Math.max(record.current?.position.revision ?? 0, seen) + 1;
}

/** The record with one more numbered entry; the oldest go first, their sealed records before them. */
export function withSighting(record: AccountRecord, sighting: Sighting): AccountRecord {
  const entries: HistoryRecord[] = [...record.history, { number: record.nextNumber, ...sighting }];
  const kept = entries.slice(-historyEntriesMax);
  let sealedLeft = historyRecordsMax;
  for (let index = kept.length - 1; index >= 0; index--) {
    const entry = kept[index];
    if (entry?.sealed === undefined) continue;
    if (sealedLeft > 0) sealedLeft--;
    else kept[index] = { ...entry, sealed: undefined };
  }
  return { ...record, history: kept, nextNumber: record.nextNumber + 1 };
}
