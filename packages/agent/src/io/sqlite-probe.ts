import { DatabaseSync } from 'node:sqlite';
import { errorCode } from './store-file.ts';

/** Whether a database of OpenClaw is where its host keeps logins. */
export type ProbeResult = 'logins' | 'no-logins' | { readonly unreadable: string };

/** How long to wait for a writer before the probe gives up and is done again later. */
const busyMs = 250;

/** `state/openclaw.sqlite` (2026.8.1 and later): the owner marker says that logins were moved into it. */
export function probeSharedState(path: string): ProbeResult {
  return probe(path, 'config_machine_state', database => {
    const row = database
      .prepare(`SELECT value_json FROM config_machine_state WHERE state_key = 'auth.sharedStore'`)
      .get();
    return typeof row?.value_json === 'string' && /"location"\s*:\s*"state-db"/.test(row.value_json);
  });
}

/** `agents/<id>/agent/openclaw-agent.sqlite` (2026.6.5 and later): it has a row of profiles. */
export function probeAgentDatabase(path: string): ProbeResult {
  return probe(path, 'auth_profile_store', database => {
    return database.prepare('SELECT 1 FROM auth_profile_store LIMIT 1').get() !== undefined;
  });
}

function probe(path: string, table: string, hasLogins: (database: DatabaseSync) => boolean): ProbeResult {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: busyMs });
    const found = database.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`).get(table);
    return found !== undefined && hasLogins(database) ? 'logins' : 'no-logins';
  } catch (error) {
    return { unreadable: `it cannot be opened as a database (${errorCode(error)})` };
  } finally {
    database?.close();
  }
}
