import { mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAuditChain, entryOf } from './audit-chain.ts';
import { type AuditOptions, agedAtOnceMax, auditBounds, type Store, type StoredRecord } from './store.ts';

/** How tests keep a trail. */
export const testAudit: AuditOptions = { ...auditBounds, secret: new Uint8Array(32).fill(7) };

/** What every store keeps to. `open` makes one in an empty folder. */
export function describeStore(name: string, open: (folder: string, audit: AuditOptions) => Promise<Store>): void {
  describe(`${name}, by the store's contract`, () => {
    let folder: string;
    let store: Store;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'authmesh-store-'));
      store = await open(folder, testAudit);
    });
    afterEach(() => store.close());

    it('creates, changes and refuses by revision', async () => {
      expect(await store.read('a')).toBeUndefined();
      const made = await store.compareAndSet('a', 0, { n: 1 });
      expect(made).toMatchObject({ ok: true });
      expect(await store.compareAndSet('a', 0, { n: 2 })).toEqual({
        ok: false,
        value: { n: 1 },
        revision: made.revision,
      });
      expect(await store.compareAndSet('b', 7, { n: 2 })).toEqual({ ok: false, value: undefined, revision: 0 });
      const changed = await store.compareAndSet('a', made.revision, { n: 3 });
      expect(changed.revision).toBeGreaterThan(made.revision);
      expect(await store.read('a')).toEqual({ key: 'a', value: { n: 3 }, revision: changed.revision });
    });

    it('lets exactly one of many at the same revision win', async () => {
      const { revision } = await store.compareAndSet('a', 0, 'first');
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, writer) => store.compareAndSet('a', revision, { writer })),
      );
      expect(outcomes.filter(outcome => outcome.ok)).toHaveLength(1);
      expect((await store.read('a'))?.value).toEqual({ writer: 0 });
    });

    it('lists by prefix, whatever the key holds', async () => {
      const keys = ['node/b', 'node/a', 'node', 'nodes', 'account/%_é', 'fleet'];
      for (const key of keys) await store.compareAndSet(key, 0, key);
      const listed = async (prefix: string) => (await store.readAll(prefix)).records.map(({ key }) => key);
      expect(await listed('node/')).toEqual(['node/a', 'node/b']);
      expect(await listed('account/%')).toEqual(['account/%_é']);
      expect(await listed('')).toHaveLength(keys.length);
      expect((await store.readAll('')).damaged).toEqual([]);
    });

    it('keeps any JSON, and keeps no ties to the caller’s objects', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ minLength: 1 }), fc.jsonValue(), async (key, value) => {
          const found = await store.read(key);
          await store.compareAndSet(key, found?.revision ?? 0, value);
          expect(JSON.stringify((await store.read(key))?.value)).toBe(JSON.stringify(value));
        }),
        { numRuns: 50 },
      );
      const value = { list: [1] };
      const pending = store.compareAndSet('tied', 0, value);
      value.list.push(2);
      await pending;
      expect((await store.read('tied'))?.value).toEqual({ list: [1] });
    });

    it('behaves as a map of revisions through any history', async () => {
      const command = fc.record({ key: fc.constantFrom('a', 'b', 'c'), stale: fc.boolean(), value: fc.nat() });
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 20 }), async commands => {
          for (const { key, stale, value } of commands) {
            const before = await store.read(key);
            const expected = (before?.revision ?? 0) + (stale ? 1 : 0);
            const outcome = await store.compareAndSet(key, expected, value);
            expect(outcome.ok).toBe(!stale);
            const after = await store.read(key);
            expect(after?.value).toEqual(stale ? before?.value : value);
            expect(after?.revision ?? 0).toBe(outcome.revision);
          }
        }),
        { numRuns: 30 },
      );
    });

    it('tells watchers of each change under their prefix, in order, until they stop', async () => {
      const seen: StoredRecord[] = [];
      await store.compareAndSet('node/old', 0, 0);
      const stop = store.watch('node/', record => void seen.push(record));
      await store.compareAndSet('node/a', 0, 1);
      await store.compareAndSet('fleet', 0, 2);
      await store.compareAndSet('node/b', 0, 3);
      await vi.waitFor(() =>
        expect(seen.map(({ key, value }) => [key, value])).toEqual([
          ['node/a', 1],
          ['node/b', 3],
        ]),
      );
      stop();
      await store.compareAndSet('node/c', 0, 4);
      expect(seen).toHaveLength(2);
    });

    it('keeps the newest of the audit trail by count and by age, as a chain that holds', async () => {
      const { findBreak } = createAuditChain(testAudit.secret);
      const bounded = await open(join(folder, 'bounded'), { ...testAudit, ageMsMax: 1_000, entriesMax: 3 });
      const kept = async () => {
        const trail = await bounded.readAudit();
        expect(findBreak(trail)).toBeUndefined();
        return trail.rows.map(row => [row.number, entryOf(row)?.at]);
      };
      expect(await kept()).toEqual([]);
      for (const at of [1, 2, 3, 4]) await bounded.appendAudit({ at, action: 'join', node: `n${at}` });
      expect(await kept()).toEqual([
        [2, 2],
        [3, 3],
        [4, 4],
      ]);
      await bounded.appendAudit({ at: 1_003, action: 'evict' });
      expect(await kept()).toEqual([
        [3, 3],
        [4, 4],
        [5, 1_003],
      ]);
      // A clock that was set back takes nothing out of the middle.
      await bounded.appendAudit({ at: 10, action: 'leave' });
      await bounded.appendAudit({ at: 2_000, action: 'join' });
      expect(await kept()).toEqual([
        [5, 1_003],
        [6, 10],
        [7, 2_000],
      ]);
      await bounded.close();
    });

    it('loses no more than a few entries of the audit trail to a clock that is far ahead for a moment', async () => {
      const bounded = await open(join(folder, 'ahead'), { ...testAudit, ageMsMax: 1_000 });
      for (let at = 1; at <= 30; at++) await bounded.appendAudit({ at, action: 'join' });
      await bounded.appendAudit({ at: 1_000_000, action: 'evict' });
      await bounded.appendAudit({ at: 31, action: 'join' });
      const { rows } = await bounded.readAudit();
      expect([rows[0]?.number, rows.length]).toEqual([1 + agedAtOnceMax, 32 - agedAtOnceMax]);
      await bounded.close();
    });

    it('backs up into a new private file and never over another', async () => {
      await store.compareAndSet('a', 0, 'kept');
      const file = join(folder, 'copy');
      await store.backup(file);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      await expect(store.backup(file)).rejects.toMatchObject({ code: 'ERR_BACKUP_EXISTS', exitCode: 64 });
      await writeFile(join(folder, 'other'), 'precious');
      await expect(store.backup(join(folder, 'other'))).rejects.toMatchObject({ code: 'ERR_BACKUP_EXISTS' });
      await expect(store.backup(join(folder, 'none', 'copy'))).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    });

    it('says that it takes writes', async () => {
      await store.check();
    });
  });
}
