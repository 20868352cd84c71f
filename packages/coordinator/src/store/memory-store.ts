import { writeFile } from 'node:fs/promises';
import { type AuditTrail, createAuditChain, entryOf } from './audit-chain.ts';
import { type AuditOptions, agedAtOnceMax, backupError, type Store, type StoredRecord } from './store.ts';

/** A store that forgets everything with the process: for trying things out, and for tests. */
export function createMemoryStore({ ageMsMax, entriesMax, secret }: AuditOptions): Store {
  const records = new Map<string, { readonly text: string; readonly revision: number }>();
  const watchers = new Set<{ readonly prefix: string; readonly listener: (record: StoredRecord) => void }>();
  const chain = createAuditChain(secret);
  let audit: AuditTrail = { anchor: chain.anchorAt(chain.origin), rows: [], head: chain.origin };
  let sequence = 0;

  const recordOf = (key: string): StoredRecord | undefined => {
    const found = records.get(key);
    return found && { key, value: JSON.parse(found.text), revision: found.revision };
  };
  const recordsUnder = (prefix: string): StoredRecord[] =>
    [...records.keys()]
      .filter(key => key.startsWith(prefix))
      .sort()
      .map(recordOf)
      .filter(record => record !== undefined);

  return {
    read: async key => recordOf(key),
    readAll: async prefix => ({ records: recordsUnder(prefix), damaged: [] }),
    async compareAndSet(key, expected, value) {
      const found = recordOf(key);
      if ((found?.revision ?? 0) !== expected)
        return { ok: false, value: found?.value, revision: found?.revision ?? 0 };
      sequence += 1;
      const text = JSON.stringify(value);
      records.set(key, { text, revision: sequence });
      for (const { prefix, listener } of [...watchers]) {
        if (key.startsWith(prefix)) listener({ key, value: JSON.parse(text), revision: sequence });
      }
      return { ok: true, revision: sequence };
    },
    watch(prefix, listener) {
      const watcher = { prefix, listener };
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    async appendAudit(entry) {
      const { row, head } = chain.append(audit.head, JSON.stringify(entry));
      const rows = [...audit.rows, row];
      const oldest = entry.at - ageMsMax;
      const young = rows.slice(0, agedAtOnceMax).findIndex(one => (entryOf(one)?.at ?? 0) >= oldest);
      const aged = young < 0 ? agedAtOnceMax : young;
      const gone = rows.splice(0, Math.max(aged, rows.length - entriesMax)).at(-1);
      audit = { anchor: gone ? chain.anchorAt(gone) : audit.anchor, rows, head };
    },
    readAudit: async () => audit,
    async backup(file) {
      try {
        await writeFile(file, JSON.stringify({ records: recordsUnder(''), audit }), { flag: 'wx', mode: 0o600 });
      } catch (error) {
        throw backupError(file, error);
      }
    },
    check: async () => {},
    close: async () => watchers.clear(),
  };
}
