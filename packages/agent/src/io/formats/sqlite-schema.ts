import type { Database } from '../sqlite-file.ts';
/** A row of a table with a text and a time stamp. */
export interface RowPlace {
  readonly table: string;
  readonly keyColumn: string;
  readonly key: string;
  readonly textColumn: string;
  /** Milliseconds since the Unix epoch. */
  readonly timeColumn: string;
}

/** Where a database of OpenClaw keeps logins, as its releases were seen to make it. */
export interface SqliteLayout {
  readonly fileName: string;
  readonly profiles: RowPlace;
  /** OpenClaw's own statistics: order, last good, cooldowns. */
  readonly state: RowPlace;
  /** The newest schema that was seen; what a later one means is not known. */
  readonly userVersionMax: number;
}

const machineState = {
  table: 'config_machine_state',
  keyColumn: 'state_key',
  textColumn: 'value_json',
  timeColumn: 'updated_at_ms',
} as const;

/** `state/openclaw.sqlite` (2026.8.1 to 2026.9.6): the logins that all agents share. */
export const sharedDatabase: SqliteLayout = {
  fileName: 'openclaw.sqlite',
  profiles: { ...machineState, key: 'authProfiles.store' },
  state: { ...machineState, key: 'authProfiles.state' },
  userVersionMax: 18,
};

/** The key of the marker that says where the shared logins are. */
export const ownerKey = 'auth.sharedStore';

/** `agents/<id>/agent/openclaw-agent.sqlite` (2026.6.5 and later): an agent's own logins. */
export const agentDatabase: SqliteLayout = {
  fileName: 'openclaw-agent.sqlite',
  profiles: {
    table: 'auth_profile_store',
    keyColumn: 'store_key',
    key: 'primary',
    textColumn: 'store_json',
    timeColumn: 'updated_at',
  },
  state: {
    table: 'auth_profile_state',
    keyColumn: 'state_key',
    key: 'primary',
    textColumn: 'state_json',
    timeColumn: 'updated_at',
  },
  userVersionMax: 23,
};

/** Why a database is not to be written, though it can be opened; undefined where its schema is a known one. */
export function schemaProblem(database: Database, layout: SqliteLayout): string | undefined {
  const version = database.prepare('PRAGMA user_version').get()?.user_version;
  if (typeof version !== 'number' || version > layout.userVersionMax) {
    return `its \`user_version\` is ${String(version)}; authmesh knows it up to ${layout.userVersionMax}`;
  }
  for (const place of [layout.profiles, layout.state]) {
    const columns = columnsOf(database, place.table);
    const known = [place.keyColumn, place.textColumn, place.timeColumn];
    const unknown = columns.filter(column => !known.includes(column));
    const lacking = columns.length === 0 ? [] : known.filter(column => !columns.includes(column));
    if (unknown.length > 0)
      return `its table ${place.table} has columns that authmesh does not know (${unknown.join(', ')})`;
    if (lacking.length > 0) return `its table ${place.table} lacks ${lacking.join(', ')}`;
  }
  return undefined;
}

/** The names of a table's columns; none where there is no such table. */
export function columnsOf(database: Database, table: string): readonly string[] {
  return database
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map(({ name }) => String(name));
}
