import { openSqlite } from '@authmesh/shared/node/sqlite';
import { type AuditTrail, type ChainEnd, createAuditChain } from './audit-chain.ts';
import { sqliteFault } from './sqlite-faults.ts';
import { type AuditOptions, agedAtOnceMax } from './store.ts';

type Database = ReturnType<typeof openSqlite>;

/** The audit trail of one database. Everything but `trail` is done inside a transaction of its caller. */
export interface SqliteAudit {
  readonly append: (at: number, text: string) => void;
  readonly trail: () => AuditTrail;
}

/** The trail of a database that was prepared. */
export function createSqliteAudit(database: Database, { ageMsMax, entriesMax, secret }: AuditOptions): SqliteAudit {
  const chain = createAuditChain(secret);
  const selectEnd = database.prepare('SELECT number, link, seal FROM audit_ends WHERE name = ?');
  const setEnd = database.prepare('INSERT OR REPLACE INTO audit_ends (name, number, link, seal) VALUES (?, ?, ?, ?)');
  const insert = database.prepare('INSERT INTO audit (number, at, entry, link) VALUES (?, ?, ?, ?)');
  const oldest = database.prepare('SELECT number, at FROM audit ORDER BY number LIMIT ?');
  const selectLink = database.prepare('SELECT number, link FROM audit WHERE number = ?');
  const trim = database.prepare('DELETE FROM audit WHERE number <= ?');

  function put(name: 'anchor' | 'head', { number, link, seal }: ChainEnd): void {
    setEnd.run(name, number, link, seal);
  }

  function append(at: number, text: string): void {
    const { row, head } = chain.append(endOf(selectEnd.get('head')), text);
    insert.run(row.number, at, text, row.link);
    put('head', head);
    // From the beginning alone: a clock that was set back leaves younger entries before older ones.
    let gone = row.number - entriesMax;
    for (const { number, at: then } of oldest.all(agedAtOnceMax)) {
      if (Number(then) >= at - ageMsMax) break;
      gone = Math.max(gone, Number(number));
    }
    const last = selectLink.get(gone);
    if (!last || trim.run(Number(last.number)).changes === 0) return;
    put('anchor', chain.anchorAt({ number: Number(last.number), link: String(last.link) }));
  }

  database.exec('BEGIN IMMEDIATE');
  try {
    if (!selectEnd.get('head')) begin();
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }

  /** A chain begins once. Where there is a fleet already, what was before is no part of it, and that is its first entry. */
  function begin(): void {
    put('anchor', chain.anchorAt(chain.origin));
    put('head', chain.origin);
    const unchained = Number(database.prepare('SELECT count(*) AS count FROM audit').get()?.count);
    if (unchained > 0) database.exec('DELETE FROM audit');
    if (!database.prepare('SELECT 1 FROM records LIMIT 1').get()) return;
    const at = Date.now();
    append(at, JSON.stringify({ at, action: 'begin', details: 'a new chain: what was before is no part of it' }));
  }

  return { append, trail: () => trailOf(database) };
}

/** A trail as somebody reads it, with what its nodes are called. */
export interface NamedTrail {
  readonly trail: AuditTrail;
  readonly names: ReadonlyMap<string, string>;
}

/** Reads the trail of a database in its file, beside the coordinator that writes it; throws `StoreError`. */
export function readSqliteTrail(file: string): NamedTrail {
  try {
    const database = openSqlite(file, { readOnly: true, timeout: 5_000 });
    try {
      // All of it as it stands at one moment.
      database.exec('BEGIN');
      return { trail: trailOf(database), names: namesIn(database) };
    } finally {
      database.close();
    }
  } catch (error) {
    throw sqliteFault(file, error);
  }
}

function trailOf(database: Database): AuditTrail {
  const ends = database.prepare('SELECT number, link, seal FROM audit_ends WHERE name = ?');
  const rows = database.prepare('SELECT number, entry, link FROM audit ORDER BY number').all();
  return {
    anchor: endOf(ends.get('anchor')),
    rows: rows.map(({ number, entry, link }) => ({ number: Number(number), text: String(entry), link: String(link) })),
    head: endOf(ends.get('head')),
  };
}

function namesIn(database: Database): ReadonlyMap<string, string> {
  const rows = database
    .prepare(
      "SELECT value ->> 'id' AS id, value ->> 'name' AS name FROM records WHERE key LIKE 'node/%' AND json_valid(value)",
    )
    .all();
  return new Map(rows.map(({ id, name }) => [String(id), String(name)]));
}

function endOf(row: Readonly<Record<string, unknown>> | undefined): ChainEnd {
  return { number: Number(row?.number ?? 0), link: String(row?.link ?? ''), seal: String(row?.seal ?? '') };
}
