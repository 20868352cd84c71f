import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Milliseconds } from '@authmesh/shared/core/time';

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

/** An open database. */
export type Database = DatabaseSync;

/** Opens a database; to be closed soon, for its owner's sake. */
export function openDatabase(path: string, { readOnly }: { readonly readOnly: boolean }): Database {
  // None is made where there is none any more.
  const url = new URL(`${pathToFileURL(path).href}?mode=${readOnly ? 'ro' : 'rw'}`);
  return new DatabaseSync(url, { readOnly, timeout: busyMs });
}

/** Reads something from a database and closes it, whatever comes of that. */
export function readDatabase<Result>(path: string, read: (database: Database) => Result): Result {
  const database = openDatabase(path, { readOnly: true });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/** Whether another process is in the way, and may be gone in a moment. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === codes.busy || code === codes.locked;
}

/** What SQLite says, in words for the operator; nothing of what is in the database. */
export function explainSqlite(error: unknown): string {
  switch (codeOf(error)) {
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
function codeOf(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}
