import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Entry } from './login.ts';

/** Where OpenClaw keeps logins in its own database, by release. */
export type Era = '2026.7' | '2026.9';

/** Makes the database that OpenClaw of this era has, with one login; its path. */
export function createDatabase(stateDir: string, era: Era, profiles: Readonly<Record<string, Entry>>): string {
  const store = JSON.stringify({ version: 1, profiles });
  const folder = era === '2026.7' ? join(stateDir, 'agents', 'main', 'agent') : join(stateDir, 'state');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, era === '2026.7' ? 'openclaw-agent.sqlite' : 'openclaw.sqlite');
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = wal');
  if (era === '2026.7') {
    database.exec(
      'CREATE TABLE auth_profile_store (store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL)',
    );
    database.prepare("INSERT INTO auth_profile_store VALUES ('primary', ?, ?)").run(store, Date.now());
  } else {
    database.exec(
      'CREATE TABLE config_machine_state (state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL, updated_at_ms INTEGER NOT NULL) STRICT',
    );
    const insert = database.prepare('INSERT INTO config_machine_state VALUES (?, ?, ?)');
    insert.run('auth.sharedStore', '{"location":"state-db"}', Date.now());
    insert.run('authProfiles.store', store, Date.now());
  }
  database.close();
  return path;
}
