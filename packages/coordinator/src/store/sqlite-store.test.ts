import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { operatorSentence } from '@authmesh/shared/node/errors';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createAuditChain } from './audit-chain.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { StoredRecord } from './store.ts';
import { describeStore, testAudit } from './store-contract.ts';

describeStore('sqlite store', (folder, audit) => openSqliteStore(join(folder, 'store.sqlite'), audit));

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authmesh-sqlite-'));
  file = join(folder, 'store.sqlite');
});

async function sentenceOf(action: Promise<unknown>): Promise<string> {
  return operatorSentence(
    await action.then(
      () => 'no error',
      (error: unknown) => error,
    ),
  );
}

describe('sqlite store', () => {
  it('keeps its files private and everything over a restart', async () => {
    const first = await openSqliteStore(file, testAudit);
    const { revision } = await first.compareAndSet('a', 0, 'x');
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect((await stat(name)).mode & 0o777).toBe(0o600);
    await first.close();
    const second = await openSqliteStore(file, testAudit);
    expect(await second.read('a')).toEqual({ key: 'a', value: 'x', revision });
    await second.close();
  });

  it('takes over a file of schema 1: the chain begins there, and the earlier trail stays beside it', async () => {
    const old = new DatabaseSync(file);
    old.exec(`
      CREATE TABLE records (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL UNIQUE);
      INSERT INTO records VALUES ('a', '1', 1);
      CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, entry TEXT NOT NULL);
      CREATE INDEX audit_at ON audit (at);
      INSERT INTO audit (at, entry) VALUES (1, '{"at":1,"action":"join"}'), (2, '{"at":2,"action":"leave"}');
      CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 0), count INTEGER NOT NULL);
      INSERT INTO probe VALUES (0, 0);
      PRAGMA application_id = ${0x616d7368};
      PRAGMA user_version = 1;`);
    old.close();
    for (const time of ['first', 'again']) {
      const store = await openSqliteStore(file, testAudit);
      const trail = await store.readAudit();
      expect([time, trail.rows.map(({ text }) => JSON.parse(text).action)]).toEqual([time, ['begin']]);
      expect(createAuditChain(testAudit.secret).findBreak(trail)).toBeUndefined();
      expect((await store.read('a'))?.value).toBe(1);
      await store.close();
    }
    const after = new DatabaseSync(file);
    expect(after.prepare('SELECT count(*) AS count FROM audit_1').get()?.count).toBe(2);
    after.close();
  });

  it('closes a folder that others may enter', async () => {
    await chmod(folder, 0o755);
    await (await openSqliteStore(file, testAudit)).close();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('takes nothing more once its file is deleted under it', async () => {
    const store = await openSqliteStore(file, testAudit);
    await store.compareAndSet('a', 0, 'x');
    await rm(file);
    expect(await sentenceOf(store.compareAndSet('b', 0, 'y'))).toContain('deleted or replaced');
    expect(await sentenceOf(store.check())).toContain('deleted or replaced');
    await store.close();
  });

  it('lets two processes write to one file without losing a change, and tells each of the other’s', async () => {
    const stores = [await openSqliteStore(file, testAudit), await openSqliteStore(file, testAudit)] as const;
    const seen: StoredRecord[] = [];
    stores[0].watch('', record => void seen.push(record));
    const increment = async (store: (typeof stores)[number]) => {
      for (;;) {
        const found = await store.read('n');
        const count = Number(found?.value ?? 0);
        if ((await store.compareAndSet('n', found?.revision ?? 0, count + 1)).ok) return;
      }
    };
    await Promise.all(Array.from({ length: 60 }, (_, index) => increment(stores[index % 2 === 0 ? 0 : 1])));
    expect((await stores[1].read('n'))?.value).toBe(60);
    await stores[1].compareAndSet('other', 0, true);
    await vi.waitFor(() => expect(seen.at(-1)?.key).toBe('other'), { timeout: 5_000 });
    const revisions = seen.map(({ revision }) => revision);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    for (const store of stores) await store.close();
  });

  it('commits many changes of one turn together', async () => {
    const store = await openSqliteStore(file, testAudit);
    const observer = new DatabaseSync(file, { readOnly: true });
    const version = () => Number(observer.prepare('PRAGMA data_version').get()?.data_version);
    const before = version();
    await Promise.all(Array.from({ length: 100 }, (_, index) => store.compareAndSet(`k${index}`, 0, index)));
    expect(observer.prepare('SELECT count(*) AS n FROM records').get()?.n).toBe(100);
    expect(version()).toBe(before + 1);
    observer.close();
    await store.close();
  });

  it('makes backups that open as stores', async () => {
    const store = await openSqliteStore(file, testAudit);
    await store.compareAndSet('a', 0, 'x');
    await store.backup(join(folder, 'copy.sqlite'));
    await store.close();
    const copy = await openSqliteStore(join(folder, 'copy.sqlite'), testAudit);
    expect((await copy.read('a'))?.value).toBe('x');
    await copy.close();
  });

  it('leaves nothing of a replaced value in its files', async () => {
    const secret = randomBytes(600).toString('hex');
    const store = await openSqliteStore(file, testAudit);
    const { revision } = await store.compareAndSet('a', 0, secret);
    await store.compareAndSet('a', revision, 'gone');
    await store.close();
    expect((await readFile(file)).includes(secret.slice(0, 64))).toBe(false);
  });

  it('sets a damaged row aside by its key', async () => {
    const store = await openSqliteStore(file, testAudit);
    await store.compareAndSet('a', 0, 1);
    await store.compareAndSet('b', 0, 2);
    const other = new DatabaseSync(file);
    other.exec(`UPDATE records SET value = '{"half' WHERE key = 'a'`);
    other.close();
    const { records, damaged } = await store.readAll('');
    expect(records.map(({ key }) => key)).toEqual(['b']);
    expect(damaged).toEqual([{ key: 'a', reason: 'its text is not JSON' }]);
    await store.close();
  });
});

describe('sqlite store, when it cannot', () => {
  it.each([
    ['another program’s database', 'CREATE TABLE x (y)', 'a database of another program'],
    ['a newer schema', 'PRAGMA user_version = 99', 'has schema 99, this version knows 2'],
  ])('says so of %s', async (name, sql, words) => {
    if (name === 'a newer schema') await (await openSqliteStore(file, testAudit)).close();
    const other = new DatabaseSync(file);
    other.exec(sql);
    other.close();
    expect(await sentenceOf(openSqliteStore(file, testAudit))).toContain(words);
    await expect(openSqliteStore(file, testAudit)).rejects.toMatchObject({ code: 'ERR_STORE_SCHEMA', exitCode: 78 });
  });

  it('says so of a file that is no database, and leaves it alone', async () => {
    const text = 'not a database, but long enough to be looked at as if it were one\n'.repeat(20);
    await writeFile(file, text, { mode: 0o600 });
    expect(await sentenceOf(openSqliteStore(file, testAudit))).toContain('it is not a SQLite database');
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('says so of a damaged file', async () => {
    const store = await openSqliteStore(file, testAudit);
    for (let index = 0; index < 50; index++)
      await store.compareAndSet(`k${index}`, 0, randomBytes(2_000).toString('hex'));
    await store.close();
    const handle = await open(file, 'r+');
    for (let page = 2; page < 40; page++) await handle.write(randomBytes(512), 0, 512, page * 4_096);
    await handle.close();
    await expect(openSqliteStore(file, testAudit)).rejects.toMatchObject({ code: 'ERR_STORE_CORRUPT' });
  });

  it('fails the change that a full disk does not take, and goes on when there is room', async () => {
    const store = await openSqliteStore(file, testAudit);
    await store.compareAndSet('a', 0, 1);
    await store.close();
    const { size } = await stat(file);
    const limit = Math.ceil(size / 512) + 64;
    const { stdout, code } = await runChild(
      `const store = await openSqliteStore(process.argv[1], { ageMsMax: 1e9, entriesMax: 100, secret: new Uint8Array(32) });
       const big = 'x'.repeat(200_000);
       try { await store.compareAndSet('big', 0, big); console.log('taken'); }
       catch (error) { console.log(error.code + ' ' + error.message); }
       console.log(JSON.stringify(await store.read('a')));`,
      // A file size limit stands in for the full disk: SIGXFSZ is ignored by Node, the write fails.
      ['bash', '-c', `ulimit -f ${limit}; exec "$@"`, 'bash'],
    );
    expect(stdout).toMatch(/^ERR_STORE_UNAVAILABLE .*(full|input\/output)/);
    expect(stdout).toContain('"value":1');
    expect(code).toBe(0);
    const again = await openSqliteStore(file, testAudit);
    expect(await again.read('big')).toBeUndefined();
    expect((await again.compareAndSet('big', 0, 1)).ok).toBe(true);
    await again.close();
  });

  it('says that another process keeps it locked', async () => {
    const store = await openSqliteStore(file, testAudit);
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    expect(await sentenceOf(store.compareAndSet('a', 0, 1))).toContain('another process keeps it locked');
    await expect(store.check()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', retryable: true });
    other.exec('ROLLBACK');
    other.close();
    await store.check();
    expect((await store.compareAndSet('a', 0, 1)).ok).toBe(true);
    await store.close();
  }, 20_000);
});

describe('sqlite store, killed in the middle of commits', () => {
  it('loses nothing that it acknowledged and holds nothing half', async () => {
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < 4; round++) {
      const { stdout } = await runChild(
        `const store = await openSqliteStore(process.argv[1], { ageMsMax: 1e9, entriesMax: 100, secret: new Uint8Array(32) });
         const pad = 'p'.repeat(3_000);
         for (;;) {
           const keys = Array.from({ length: 5 }, (_, index) => 'k' + index);
           await Promise.all(keys.map(async key => {
             const found = await store.read(key);
             const n = (found?.value.n ?? 0) + 1;
             const outcome = await store.compareAndSet(key, found?.revision ?? 0, { n, pad, again: n });
             if (outcome.ok) writeSync(1, key + ' ' + n + '\\n');
           }));
         }`,
        [],
        60 + round * 37,
      );
      for (const [, key = '', n] of stdout.matchAll(/^(k\d) (\d+)$/gm)) acknowledged.set(key, Number(n));
      const store = await openSqliteStore(file, testAudit);
      const { records, damaged } = await store.readAll('k');
      await store.close();
      expect(damaged).toEqual([]);
      expect(records).toHaveLength(5);
      for (const { key, value } of records) {
        const { n, pad, again } = value as { n: number; pad: string; again: number };
        expect(n).toBeGreaterThanOrEqual(acknowledged.get(key) ?? 0);
        expect([pad.length, again]).toEqual([3_000, n]);
      }
    }
    expect([...acknowledged.values()].every(n => n > 10)).toBe(true);
  });
});

/** Runs `code` with the store at hand in a process of its own; kills it once it has printed `killAfterLines`. */
function runChild(
  code: string,
  prefix: readonly string[] = [],
  killAfterLines = Number.POSITIVE_INFINITY,
): Promise<{ readonly stdout: string; readonly code: number | null }> {
  const module = fileURLToPath(new URL('./sqlite-store.ts', import.meta.url));
  const script = `import { writeSync } from 'node:fs'; import { openSqliteStore } from ${JSON.stringify(module)}; ${code}`;
  const [command = '', ...args] = [...prefix, process.execPath, '--input-type=module', '-e', script, file];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let stdout = '';
  child.stdout.on('data', data => {
    stdout += String(data);
    if (stdout.split('\n').length > killAfterLines) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', status => resolve({ stdout, code: status }));
  });
}
