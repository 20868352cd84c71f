import type { AccountId, CredentialKind, ProfileId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { second } from '@authmesh/shared/core/time';
import type { CoordinatorEffect } from './effect.ts';
import { type AccountRecord, accountKey, accountOfKey, fleetKey, type RecordKey } from './record.ts';
import {
  type AccountEntry,
  type CoordinatorState,
  createAccountEntry,
  type PendingCommit,
  type PendingRecord,
  submissionsWaitingMax,
} from './state.ts';
import type { Submission } from './waiting.ts';

/*
 * Nothing is told that is not durable: a change becomes `pending`, the store is asked, and only `persist-succeeded` makes
 * it the record. An account has at most one change under way; what arrives meanwhile waits in order.
 */

export type Change = Omit<PendingCommit, 'failed'>;

const persistRetryMs = second;

/** Sends a change of an account to the store. */
export function commit(
  state: CoordinatorState,
  entry: AccountEntry,
  change: Change,
  effects: CoordinatorEffect[],
): void {
  state.accounts.set(entry.record.account, { ...entry, pending: { ...change, failed: false } });
  effects.push(compareAndSet(entry, change.record));
}

/** The same login at another position: every node hears it anew. */
export function moveOn(
  state: CoordinatorState,
  entry: AccountEntry,
  record: AccountRecord,
  effects: CoordinatorEffect[],
  cause?: Submission,
): void {
  const lineage = { ...entry.lineage, current: record.current };
  commit(state, entry, { record, lineage, announces: true, cause }, effects);
}

function compareAndSet(entry: AccountEntry, record: AccountRecord): CoordinatorEffect {
  return { type: 'compare-and-set', key: accountKey(record.account), expected: entry.storeRevision, value: record };
}

/** Sends a record other than an account's to the store. */
export function commitRecord(
  state: CoordinatorState,
  key: RecordKey,
  pending: PendingRecord,
  effects: CoordinatorEffect[],
): void {
  state.pendingRecords.set(key, pending);
  effects.push({ type: 'compare-and-set', key, expected: pending.expected, value: pending.record });
}

/** Whether a submission has to wait: for the account's own change, or for a new epoch that comes before all. */
export function isBusy(state: CoordinatorState, entry: AccountEntry | undefined): boolean {
  return entry?.pending !== undefined || state.pendingRecords.has(fleetKey);
}

/** Lets a submission wait its turn; one that is repeated takes the place of the one that waits. A full queue drops it: the node reports again what it was not told about. */
export function postpone(entry: AccountEntry, submission: Submission, effects: CoordinatorEffect[]): void {
  const { account } = entry.record;
  const index = entry.waiting.findIndex(waiting => isSameReport(waiting, submission));
  const before = entry.waiting[index];
  if (before?.type === 'judge' && submission.type === 'judge') {
    entry.waiting[index] = { ...submission, offer: submission.offer ?? before.offer };
    return;
  }
  if (entry.waiting.length >= submissionsWaitingMax) {
    effects.push(note('queue-overflowed', { account }));
    return;
  }
  entry.waiting.push(submission);
}

/** Two reports of one login in one copy; another login there is a report of its own, and may be the one to accept. */
function isSameReport(waiting: Submission, submission: Submission): boolean {
  if (waiting.type !== 'judge' || submission.type !== 'judge' || waiting.link !== submission.link) return false;
  const [before, after] = [waiting.observation, submission.observation];
  const isSameLogin = before.access === after.access && before.refresh === after.refresh;
  return isSameLogin && before.store === after.store && before.profile === after.profile;
}

/** The store refused: the change stays pending and is tried again. */
export function persistFailed(
  state: CoordinatorState,
  key: RecordKey,
  reason: string,
  effects: CoordinatorEffect[],
): void {
  const account = accountOfKey(key);
  const entry = account === undefined ? undefined : state.accounts.get(account);
  if (account !== undefined && entry?.pending)
    state.accounts.set(account, { ...entry, pending: { ...entry.pending, failed: true } });
  const pending = state.pendingRecords.get(key);
  if (pending) state.pendingRecords.set(key, { ...pending, failed: true });
  effects.push(note('persist-failed', { why: reason }), {
    type: 'set-timer',
    timer: 'retry-persist',
    delayMs: persistRetryMs,
  });
}

/** Tries again what the store refused. */
export function retryPersist(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  for (const entry of state.accounts.values()) {
    if (entry.pending?.failed) commit(state, entry, entry.pending, effects);
  }
  for (const [key, pending] of state.pendingRecords) {
    if (pending.failed) commitRecord(state, key, { ...pending, failed: false }, effects);
  }
}

/** Makes room for an account that nobody has reported before. */
export function openAccount(
  state: CoordinatorState,
  of: { account: AccountId; kind: CredentialKind; profile: ProfileId },
): AccountEntry {
  const record: AccountRecord = {
    account: of.account,
    kind: of.kind,
    profile: of.profile,
    ancestors: [],
    spent: [],
    history: [],
    nextNumber: 1,
    linked: [],
  };
  const entry = createAccountEntry(record, 0);
  state.accounts.set(of.account, entry);
  return entry;
}
