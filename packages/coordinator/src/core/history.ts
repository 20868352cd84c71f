import type { AccountRecord, HistoryRecord } from './record.ts';

/** Entries kept of an account, as many of accepted logins as of refused ones; the ancestors are kept apart, and for years. */
export const historyEntriesMax = 64;
/** Entries whose sealed record is kept, so that an operator can go back to them; half of them accepted ones as well. */
export const historyRecordsMax = 16;

/** Entries of what was set aside, among the refused ones: a store that breaks each day pushes out no login. */
export const setAsideEntriesMax = 8;

/** What is to be remembered of one credential that a node reported. */
export type Sighting = Omit<HistoryRecord, 'number'>;

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
  const quota = () => ({ entries: historyEntriesMax / 2, records: historyRecordsMax / 2 });
  // One for each: a host that reports one strange login after the other pushes out nothing that the fleet had.
  const accepted = quota();
  const refused = quota();
  let setAside = setAsideEntriesMax;
  const kept: HistoryRecord[] = [];
  for (const entry of [...record.history, { number: record.nextNumber, ...sighting }].reverse()) {
    if (entry.verdict === 'quarantined' && setAside-- <= 0) continue;
    const left = entry.verdict === 'accepted' ? accepted : refused;
    if (left.entries-- <= 0) continue;
    const isKept = entry.sealed === undefined || left.records-- > 0;
    kept.push(isKept ? entry : { ...entry, sealed: undefined });
  }
  return { ...record, history: kept.reverse(), nextNumber: record.nextNumber + 1 };
}
