import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { openSqlite, SqliteAbsentError, sqliteAbsentHint } from '@authmesh/shared/node/sqlite';

/** How long a call may stand still for a writer; whoever has more time tries again. */
const busyMs: Milliseconds = 20;

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const codes = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

/** SQLite's extended codes for the memory that those who use a write-ahead log share: each is a fault of the file system. */
const sharedMemoryCodes: readonly number[] = [18, 19, 20, 21].map(kind => codes.io | (kind << 8));

/** A writer died in the middle, and what it wrote has to be undone before anybody reads. */
const rollbackCode = codes.readOnly | (3 << 8);

/** An open database. */
export type Database = DatabaseSync;

/** Opens a database; to be closed soon, for its owner's sake. */
export function openDatabase(path: string, { readOnly }: { readonly readOnly: boolean }): Database {
  // None is made where there is none any more.
  const url = new URL(`${pathToFileURL(path).href}?mode=${readOnly ? 'ro' : 'rw'}`);
  return openSqlite(url, { readOnly, timeout: busyMs });
}

/** Reads something from a database and closes it, whatever comes of that. */
export function readDatabase<Result>(path: string, read: (database: Database) => Result): Result {
  try {
    return use(openDatabase(path, { readOnly: true }), read);
  } catch (error) {
    if (extendedCodeOf(error) !== rollbackCode) throw error;
    return use(openDatabase(path, { readOnly: false }), read);
  }
}

function use<Result>(database: Database, work: (database: Database) => Result): Result {
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Whether another process is in the way, and may be gone in a moment. */
export function isBusy(error: unknown): boolean {
  const code = primaryCodeOf(error);
  return code === codes.busy || code === codes.locked;
}

/** What SQLite says, in words for the operator; nothing of what is in the database. */
export function explainSqlite(error: unknown): string {
  if (error instanceof SqliteAbsentError) return `${error.message}: ${sqliteAbsentHint}`;
  const extended = extendedCodeOf(error);
  if (extended !== undefined && sharedMemoryCodes.includes(extended)) {
    return 'its file system cannot keep a write-ahead log: move OpenClaw’s state to a local disk';
  }
  switch (primaryCodeOf(error)) {
    case codes.busy:
    case codes.locked:
      return 'another process has it locked';
    case codes.readOnly:
      return 'it is read-only: give this agent’s user write permission for it and its folder';
    case codes.io:
      return 'the disk has trouble (an I/O error)';
    case codes.corrupt:
      return 'it is damaged: OpenClaw’s own backup, or `openclaw doctor --fix`, may help';
    case codes.full:
      return 'the disk is full: free some space; what stood there is intact';
    case codes.cannotOpen:
      return 'it cannot be opened: this agent’s user needs read and write permission for it and its folder';
    case codes.notADatabase:
      return 'it is no SQLite database, or an encrypted one';
    default:
      return error instanceof Error ? error.name : 'an unknown error';
  }
}

/** The primary code within SQLite's extended one. */
function primaryCodeOf(error: unknown): number | undefined {
  const code = extendedCodeOf(error);
  return code === undefined ? undefined : code & 0xff;
}

function extendedCodeOf(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code : undefined;
}
