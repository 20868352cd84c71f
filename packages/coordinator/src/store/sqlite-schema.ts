import { type DamagedRecord, type StoredRecord, StoreError } from './store.ts';

/** The part of a SQLite connection that the schema needs. */
export interface SchemaConnection {
  readonly exec: (sql: string) => void;
  readonly prepare: (sql: string) => {
    readonly get: () => Readonly<Record<string, unknown>> | undefined;
    readonly all: () => readonly Readonly<Record<string, unknown>>[];
  };
  readonly isTransaction: boolean;
}

/** Marks the file as ours: `amsh`. */
const applicationId = 0x616d7368;
/** Number of the schema below; a newer program raises it and migrates. */
const schemaVersion = 2;

/** The trail as a chain, and its two ends. */
const auditTables = `
  CREATE TABLE audit (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, entry TEXT NOT NULL, link TEXT NOT NULL);
  CREATE TABLE audit_ends (name TEXT PRIMARY KEY, number INTEGER NOT NULL, link TEXT NOT NULL, seal TEXT NOT NULL);`;

const schema = `
  CREATE TABLE records (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL UNIQUE);
  ${auditTables}
  CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 0), count INTEGER NOT NULL);
  INSERT INTO probe VALUES (0, 0);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

/** From schema 1, whose trail was no chain: its entries stay beside it, for whoever wants to read them. */
const upgrade = `
  ALTER TABLE audit RENAME TO audit_1;
  DROP INDEX audit_at;
  ${auditTables}
  PRAGMA user_version = ${schemaVersion};
`;

/**
 * Sets the connection up and makes the tables in a new file. Throws for a damaged file, one of another program, and one
 * that a newer version wrote.
 */
export function prepareDatabase(database: SchemaConnection, file: string): void {
  database.exec('PRAGMA busy_timeout = 2000; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;');
  const { quick_check: health } = database.prepare('PRAGMA quick_check(1)').get() ?? {};
  if (health !== 'ok') {
    throw new StoreError('ERR_STORE_CORRUPT', `the store ${file} is damaged`, {
      hint: 'put back a backup; nodes bring what it lacks',
    });
  }
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec('BEGIN IMMEDIATE');
  try {
    if (isEmpty(database)) database.exec(schema);
    else if (refuseForeign(database, file) === 1) database.exec(upgrade);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function isEmpty(database: SchemaConnection): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
}

/** The schema that the file has: this one, or the one before. */
function refuseForeign(database: SchemaConnection, file: string): number {
  const { application_id: application } = database.prepare('PRAGMA application_id').get() ?? {};
  const { user_version: version } = database.prepare('PRAGMA user_version').get() ?? {};
  if (application !== applicationId) {
    throw new StoreError('ERR_STORE_SCHEMA', `${file} is a database of another program`, {
      hint: 'name another data folder',
    });
  }
  if (version === schemaVersion || version === 1) return version;
  throw new StoreError(
    'ERR_STORE_SCHEMA',
    `the store ${file} has schema ${version}, this version knows ${schemaVersion}`,
    {
      hint: 'run the version of authmesh-coordinator that wrote it, or a newer one',
    },
  );
}

/** A row of `records` as the port shows it. */
export function recordFrom(row: Readonly<Record<string, unknown>>): StoredRecord | DamagedRecord {
  const key = String(row.key);
  try {
    return { key, value: JSON.parse(String(row.value)), revision: Number(row.revision) };
  } catch {
    return { key, reason: 'its text is not JSON' };
  }
}
