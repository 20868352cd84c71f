import { randomBytes } from 'node:crypto';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ProfileId } from '@authmesh/shared/core/identifiers';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { agentDatabase, ownerKey, type RowPlace, type SqliteLayout, sharedDatabase } from './formats/sqlite-schema.ts';
import { adapterOf } from './store-adapter.ts';
import { isSameSignature } from './store-file.ts';

/** A store as the OpenClaw that it belongs to reads and writes it. */
export interface OwnedStore {
  readonly path: string;
  /** The text of the profiles as it stands; undefined where there is none. */
  readonly text: () => string | undefined;
  readonly save: (text: string) => void;
  /** A text with a login that never was before, and these fields besides; OpenClaw's own where nothing is said. */
  readonly make?: ((others?: object) => string) | undefined;
  /** OpenClaw's own statistics of the profiles, where this generation keeps them beside. */
  readonly state?: { readonly text: () => string; readonly save: (text: string) => void } | undefined;
}

const makeStore = (others: object = {}) => {
  const login = { type: 'oauth', provider: 'xai', access: randomBytes(12).toString('hex') };
  return `${JSON.stringify({ version: 1, profiles: { 'xai:default': login }, ...others })}\n`;
};
const profile = 'xai:default' as ProfileId;

/** Waits until a write now gets another time than the file has: within a tick two writes look the same. */
async function fileClockMoves(path: string): Promise<void> {
  const clock = `${path}.clock`;
  const { mtimeMs } = statSync(path);
  do {
    writeFileSync(clock, '');
    await nextTurn();
  } while (statSync(clock).mtimeMs <= mtimeMs);
  rmSync(clock);
}

/** What every way of keeping a store holds to. `open` makes an empty one in an empty folder. */
export function describeStorePort(name: string, open: (folder: string) => OwnedStore): void {
  describe(`${name}, by the contract of stores`, () => {
    let store: OwnedStore;
    beforeEach(async () => {
      store = open(await realpath(await mkdtemp(join(tmpdir(), 'authmesh-port-'))));
    });
    const adapter = () => adapterOf(store.path);
    const read = () => adapter().read(store.path);
    const login = (others?: object) => (store.make ?? makeStore)(others);
    const replace = (text: string, before = read()) => adapter().replace(store.path, before, text);

    it('has nothing to read before its first login', () => {
      expect(read()).toEqual({ state: 'absent' });
    });

    it('reads what its owner saved, byte for byte', () => {
      const text = login();
      store.save(text);
      expect(read()).toMatchObject({ state: 'read', text, target: store.path });
    });

    it('shows that its owner saved, and that nobody did', async () => {
      store.save(login());
      const before = adapter().peek(store.path);
      const again = adapter().peek(store.path);
      expect(before && again && isSameSignature(before, again)).toBe(true);
      await fileClockMoves(store.path);
      store.save(login());
      const after = adapter().peek(store.path);
      expect(before && after && isSameSignature(before, after)).toBe(false);
      if (!store.state) return;
      await fileClockMoves(store.path);
      store.state.save(JSON.stringify({ version: 1, usageStats: {} }));
      const noted = adapter().peek(store.path);
      expect(after && noted && isSameSignature(after, noted)).toBe(false);
    });

    it('replaces what was read, and that is what its owner reads', async () => {
      store.save(login());
      const text = login();
      expect(await replace(text)).toEqual({ outcome: { result: 'replaced' } });
      expect(store.text()).toBe(text);
      expect(read()).toMatchObject({ state: 'read', text });
    });

    it('leaves what its owner saved since it was read', async () => {
      store.save(login());
      const before = read();
      const later = login();
      store.save(later);
      expect(await replace(login(), before)).toEqual({ outcome: { result: 'overtaken' } });
      expect(store.text()).toBe(later);
    });

    it('replaces what comes in turn, each on top of the one before', async () => {
      store.save(login());
      const texts = [login(), login(), login()];
      for (const text of texts) expect((await replace(text)).outcome.result).toBe('replaced');
      expect(store.text()).toBe(texts.at(-1));
    });

    it('keeps any text of an owner as it is', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme' }), fc.dictionary(fc.string(), fc.jsonValue()), (word, fields) => {
          const text = login({ [word]: fields });
          store.save(text);
          const found = read();
          return found.state === 'read' && found.text === text;
        }),
        { numRuns: 30 },
      );
    });

    it('lifts the marks of a failed authentication beside the logins, and no others', async () => {
      if (!store.state) return expect(read()).not.toHaveProperty('beside');
      store.save(login());
      const marks = { lastUsed: 1, cooldownUntil: 2, cooldownReason: 'auth' };
      store.state.save(JSON.stringify({ version: 1, usageStats: { [profile]: marks, other: marks } }));
      expect(read()).toMatchObject({ beside: store.state.text() });
      expect(await adapter().liftMarks(store.path, [profile], undefined)).toBe(true);
      expect(await adapter().liftMarks(store.path, [profile], undefined)).toBe(false);
      expect(JSON.parse(store.state.text())).toEqual({
        version: 1,
        usageStats: { [profile]: { lastUsed: 1 }, other: marks },
      });
    });
  });
}

const tables = {
  [agentDatabase.fileName]: `
    CREATE TABLE auth_profile_store ( store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL );
    CREATE TABLE auth_profile_state ( state_key TEXT NOT NULL PRIMARY KEY, state_json TEXT NOT NULL, updated_at INTEGER NOT NULL );
    PRAGMA user_version = 1;`,
  [sharedDatabase.fileName]: `
    CREATE TABLE config_machine_state ( state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL, updated_at_ms INTEGER NOT NULL ) STRICT;
    INSERT INTO config_machine_state VALUES ('${ownerKey}', '{"location":"state-db"}', 1);
    PRAGMA user_version = 18;`,
};

/**
 * A database as the real OpenClaw of its time makes it, kept open as its gateway keeps it. It does without a write-ahead log on
 * network file systems (2026.6.5 and later).
 */
export function openOwned(
  folder: string,
  layout: SqliteLayout,
  journal: 'wal' | 'delete' = 'wal',
): OwnedStore & { readonly database: DatabaseSync } {
  const path = join(folder, layout.fileName);
  const database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec(`PRAGMA journal_mode = ${journal}; ${tables[layout.fileName] ?? ''}`);
  const textOf = ({ table, keyColumn, key, textColumn }: RowPlace): string | undefined =>
    database.prepare(`SELECT ${textColumn} AS text FROM ${table} WHERE ${keyColumn} = ?`).get(key)?.text as
      | string
      | undefined;
  const save = ({ table, key }: RowPlace, text: string): void =>
    void database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?)`).run(key, text, Date.now());
  return {
    path,
    database,
    text: () => textOf(layout.profiles),
    save: text => save(layout.profiles, text),
    state: { text: () => textOf(layout.state) ?? '', save: text => save(layout.state, text) },
  };
}
