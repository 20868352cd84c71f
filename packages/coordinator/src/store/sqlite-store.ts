import { chmodSync, closeSync, openSync } from 'node:fs';
import { link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { ensurePrivateDirectory } from '@authmesh/shared/node/private-file';
import { openSqlite } from '@authmesh/shared/node/sqlite';
import { createGroupCommit, type TransactionStep } from './group-commit.ts';
import { whileInPlace } from './place-check.ts';
import { createSqliteAudit } from './sqlite-audit.ts';
import { isSqliteError, sqliteFault } from './sqlite-faults.ts';
import { prepareDatabase, recordFrom } from './sqlite-schema.ts';
import { type AuditOptions, backupError, type SetOutcome, type Store, type StoredRecord } from './store.ts';

/** How often changes made by another process are looked for, while somebody watches. */
const pollMs = 250;

/**
 * The embedded store: one SQLite file (WAL, synced at each commit, deleted content overwritten) of mode 0600 in a folder
 * of mode 0700. All changes asked for in one turn of the event loop share one transaction; none is answered before it
 * is committed.
 */
export async function openSqliteStore(
  file: string,
  audit: AuditOptions,
  at?: (step: TransactionStep) => void,
): Promise<Store> {
  await ensurePrivateDirectory(dirname(file));
  try {
    // Made here and not by SQLite, so that there is no moment in which others may read it. WAL files take its mode.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    const database = openSqlite(file);
    try {
      prepareDatabase(database, file);
      return storeOver(database, file, audit, at);
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw sqliteFault(file, error);
  }
}

function storeOver(
  database: DatabaseSync,
  file: string,
  options: AuditOptions,
  at: ((step: TransactionStep) => void) | undefined,
): Store {
  const select = database.prepare('SELECT key, value, revision FROM records WHERE key = ?');
  const selectRevision = database.prepare('SELECT revision FROM records WHERE key = ?');
  const selectUnder = database.prepare(
    'SELECT key, value, revision FROM records WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 ORDER BY key',
  );
  const selectSince = database.prepare('SELECT key, value, revision FROM records WHERE revision > ? ORDER BY revision');
  const selectLast = database.prepare('SELECT coalesce(max(revision), 0) AS revision FROM records');
  const upsert = database.prepare(
    `INSERT INTO records (key, value, revision) VALUES (?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision`,
  );
  const audit = createSqliteAudit(database, options);
  const probe = database.prepare('UPDATE probe SET count = 1 - count');
  const dataVersion = database.prepare('PRAGMA data_version');

  const commits = createGroupCommit({
    begin: whileInPlace(file, () => database.exec('BEGIN IMMEDIATE')),
    commit: () => database.exec('COMMIT'),
    rollBack: () => {
      if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
    },
    faultOf: error => sqliteFault(file, error),
    onCommitted: tell,
    at,
  });
  const watchers = new Set<{ readonly prefix: string; readonly listener: (record: StoredRecord) => void }>();
  let poll: NodeJS.Timeout | undefined;
  let told = lastRevision();
  let version = dataVersion.get()?.data_version;

  function lastRevision(): number {
    return Number(selectLast.get()?.revision ?? 0);
  }

  /** Tells the watchers what has changed since they were last told. */
  function tell(): void {
    if (watchers.size === 0) return;
    for (const row of selectSince.all(told)) {
      const record = recordFrom(row);
      told = Number(row.revision);
      if (!('revision' in record)) continue;
      for (const { prefix, listener } of [...watchers]) if (record.key.startsWith(prefix)) listener(record);
    }
  }

  function lookForOthers(): void {
    try {
      const seen = dataVersion.get()?.data_version;
      if (seen === version) return;
      version = seen;
      tell();
    } catch {
      // A fault shows at the next change, which has somebody to report it to; the next look catches up.
    }
  }

  async function attempt<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (error) {
      throw sqliteFault(file, error);
    }
  }

  function setRecord(key: string, expected: number, text: string): SetOutcome {
    const revision = Number(selectRevision.get(key)?.revision ?? 0);
    if (revision !== expected) {
      const row = select.get(key);
      const found = row && recordFrom(row);
      return { ok: false, value: found && 'value' in found ? found.value : undefined, revision };
    }
    const next = lastRevision() + 1;
    upsert.run(key, text, next);
    return { ok: true, revision: next };
  }

  return {
    read: key =>
      attempt(() => {
        const row = select.get(key);
        const record = row && recordFrom(row);
        return record && 'revision' in record ? record : undefined;
      }),
    readAll: prefix =>
      attempt(() => {
        const found = selectUnder.all(prefix).map(recordFrom);
        return {
          records: found.filter(record => 'revision' in record),
          damaged: found.filter(record => 'reason' in record),
        };
      }),
    compareAndSet(key, expected, value) {
      // Turned into text now: the caller may change its object before the commit.
      const text = JSON.stringify(value);
      return commits.run(() => setRecord(key, expected, text));
    },
    watch(prefix, listener) {
      if (watchers.size === 0) {
        told = lastRevision();
        version = dataVersion.get()?.data_version;
        poll = setInterval(lookForOthers, pollMs).unref();
      }
      const watcher = { prefix, listener };
      watchers.add(watcher);
      return () => {
        watchers.delete(watcher);
        if (watchers.size === 0) clearInterval(poll);
      };
    },
    appendAudit(entry) {
      const text = JSON.stringify(entry);
      return commits.gather(() => audit.append(entry.at, text));
    },
    readAudit: () => attempt(audit.trail),
    async backup(target) {
      const temporary = `${target}.${process.pid}.tmp`;
      try {
        // An empty file of mode 0600 for SQLite to fill; linked into place whole, never over another file.
        await (await open(temporary, 'wx', 0o600)).close();
        database.prepare('VACUUM INTO ?').run(temporary);
        const handle = await open(temporary, 'r+');
        await handle.sync().finally(() => handle.close());
        await link(temporary, target);
      } catch (error) {
        throw backupError(target, isSqliteError(error) ? sqliteFault(temporary, error) : error);
      } finally {
        await rm(temporary, { force: true });
      }
    },
    check: () => commits.run(() => void probe.run()),
    async close() {
      clearInterval(poll);
      watchers.clear();
      commits.flush();
      if (!database.isOpen) return;
      try {
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } finally {
        database.close();
      }
    },
  };
}
