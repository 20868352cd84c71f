import type { DatabaseSync, DatabaseSyncOptions } from 'node:sqlite';

/** This Node was built, or is run, without `node:sqlite`. */
export class SqliteAbsentError extends Error {
  override name = 'SqliteAbsentError';

  constructor() {
    super(`Node ${process.version} is run here without \`node:sqlite\``);
  }
}

/** What mends a {@link SqliteAbsentError}. */
export const sqliteAbsentHint = 'use a Node that has it, and take --no-experimental-sqlite off its options';

/**
 * Opens a SQLite database. The module is loaded with the first one: who has none to open does without it.
 * @throws {SqliteAbsentError} where Node has no such module; SQLite's own errors, with an `errcode`.
 */
export function openSqlite(location: string | URL, options: DatabaseSyncOptions = {}): DatabaseSync {
  const sqlite = process.getBuiltinModule('node:sqlite');
  if (!sqlite) throw new SqliteAbsentError();
  return new sqlite.DatabaseSync(location, options);
}
