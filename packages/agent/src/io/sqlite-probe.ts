import { agentDatabase, columnsOf, ownerKey, sharedDatabase } from './formats/sqlite-schema.ts';
import { type Database, explainSqlite, readDatabase } from './sqlite-file.ts';

/** Whether a database of OpenClaw is where its host keeps logins. */
export type ProbeResult = 'logins' | 'no-logins' | { readonly unreadable: string };

/** `state/openclaw.sqlite` (2026.8.1 and later): the owner marker says that logins were moved into it. */
export function probeSharedState(path: string): ProbeResult {
  const { table, keyColumn, textColumn } = sharedDatabase.profiles;
  return probe(path, table, database => {
    const row = database.prepare(`SELECT ${textColumn} AS text FROM ${table} WHERE ${keyColumn} = ?`).get(ownerKey);
    return typeof row?.text === 'string' && /"location"\s*:\s*"state-db"/.test(row.text);
  });
}

/** `agents/<id>/agent/openclaw-agent.sqlite` (2026.6.5 and later): it has a row of profiles. */
export function probeAgentDatabase(path: string): ProbeResult {
  const { table } = agentDatabase.profiles;
  return probe(path, table, database => database.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() !== undefined);
}

function probe(path: string, table: string, hasLogins: (database: Database) => boolean): ProbeResult {
  try {
    return readDatabase(path, database =>
      columnsOf(database, table).length > 0 && hasLogins(database) ? 'logins' : 'no-logins',
    );
  } catch (error) {
    return { unreadable: explainSqlite(error) };
  }
}
