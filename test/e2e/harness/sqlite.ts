import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type ProfileStore, profileStore } from './store-file.ts';

/** How OpenClaw keeps logins in a database, by release: each agent its own (2026.6.5 to 7.x), or all one (from 8.1 on). */
export type Era = '2026.7' | '2026.9';

const tables: Readonly<Record<Era, string>> = {
  '2026.7': `
    CREATE TABLE auth_profile_store (store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL);
    CREATE TABLE auth_profile_state (state_key TEXT NOT NULL PRIMARY KEY, state_json TEXT NOT NULL, updated_at INTEGER NOT NULL);
    PRAGMA user_version = 1;`,
  '2026.9': `
    CREATE TABLE config_machine_state (state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL, updated_at_ms INTEGER NOT NULL) STRICT;
    INSERT INTO config_machine_state VALUES ('auth.sharedStore', '{"location":"state-db"}', 1);
    PRAGMA user_version = 18;`,
};

const rows = {
  '2026.7': {
    store: { table: 'auth_profile_store', key: 'store_key', text: 'store_json', row: 'primary' },
    state: { table: 'auth_profile_state', key: 'state_key', text: 'state_json', row: 'primary' },
  },
  '2026.9': {
    store: { table: 'config_machine_state', key: 'state_key', text: 'value_json', row: 'authProfiles.store' },
    state: { table: 'config_machine_state', key: 'state_key', text: 'value_json', row: 'authProfiles.state' },
  },
} as const;

/** A store that is a row of a database. */
export interface DatabaseStore extends ProfileStore {
  /** Runs SQL in the database, as its owner. */
  sql(text: string): void;
}

/** The shared store of a host, or with the older era an agent's own; the database is made with the first login. */
export function databaseStore(stateDir: string, era: Era, agent = 'main'): DatabaseStore {
  const path =
    era === '2026.7'
      ? join(stateDir, 'agents', agent, 'agent', 'openclaw-agent.sqlite')
      : join(stateDir, 'state', 'openclaw.sqlite');
  const using = <Result>(work: (database: DatabaseSync) => Result, readOnly = false): Result => {
    const isNew = !existsSync(path);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Whoever may write takes the write-ahead log away as the last to close, and locks everybody out meanwhile.
    const database = new DatabaseSync(path, { timeout: 10_000, readOnly });
    try {
      if (isNew) database.exec(`PRAGMA journal_mode = wal; ${tables[era]}`);
      return work(database);
    } finally {
      database.close();
    }
  };
  const read = (kind: 'store' | 'state'): string | undefined => {
    if (!existsSync(path)) return undefined;
    const { table, key, text, row } = rows[era][kind];
    const select = `SELECT ${text} AS text FROM ${table} WHERE ${key} = ?`;
    const found = using(database => database.prepare(select).get(row), true);
    return found === undefined ? undefined : String(found.text);
  };
  const { table, row } = rows[era].store;
  const store = profileStore(path, {
    read: () => read('store'),
    readState: () => read('state'),
    write: content =>
      using(database => {
        database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?)`).run(row, content, Date.now());
      }),
  });
  return { ...store, sql: content => using(database => database.exec(content)) };
}
