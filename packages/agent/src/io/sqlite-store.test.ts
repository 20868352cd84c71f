import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { hour } from '@authmesh/shared/core/time';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDeliverer } from './delivery.ts';
import { agentDatabase, sharedDatabase } from './formats/sqlite-schema.ts';
import { createSqliteStore } from './sqlite-store.ts';
import type { Delivery } from './store-change.ts';
import { transactionSteps } from './store-port.ts';
import { describeStorePort, openOwned } from './store-port-contract.ts';

describeStorePort('an agent’s own database', folder => openOwned(folder, agentDatabase));
describeStorePort('the database that all agents share', folder => openOwned(folder, sharedDatabase));
describeStorePort('a database without a write-ahead log', folder => openOwned(folder, sharedDatabase, 'delete'));

const secret = () => randomBytes(24).toString('base64url');
const id = 'xai:default' as ProfileId;
const entry = (access = secret()) => ({ type: 'oauth', provider: 'xai', access, expires: Date.now() + hour });
const textOf = (profiles: object) => JSON.stringify({ version: 1, profiles });
const port = createSqliteStore(agentDatabase, 150);

let folder: string;
let owner: ReturnType<typeof openOwned>;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-sqlite-')));
  owner = openOwned(folder, agentDatabase);
  owner.save(textOf({ [id]: entry() }));
});

describe('a database that is not as authmesh knows it', () => {
  it.each([
    ['a schema of the future', 'PRAGMA user_version = 99', /`user_version` is 99; authmesh knows it up to 23/],
    [
      'a column more',
      'ALTER TABLE auth_profile_store ADD COLUMN sealed TEXT',
      /auth_profile_store has columns .*\(sealed\)/,
    ],
    ['a column less', 'ALTER TABLE auth_profile_state DROP COLUMN updated_at', /auth_profile_state lacks updated_at/],
  ])('%s is set aside, and not a byte of it written', async (_what, sql, reason) => {
    const before = port.read(owner.path);
    owner.database.exec(`${sql}; PRAGMA wal_checkpoint(TRUNCATE)`);
    const bytes = readFileSync(owner.path, 'base64');
    expect(port.read(owner.path)).toMatchObject({ state: 'refused', reason: expect.stringMatching(reason) });
    const { outcome } = await port.replace(owner.path, before, textOf({}));
    expect(outcome).toMatchObject({ result: 'failed', reason: expect.stringMatching(reason) });
    expect(readFileSync(owner.path, 'base64') === bytes).toBe(true);
  });

  it('is none at all, or a broken one: said in words', () => {
    const other = join(folder, 'other.sqlite');
    writeFileSync(other, '');
    expect(port.read(other)).toEqual({ state: 'absent' });
    writeFileSync(other, 'a text, and long enough for the header of a database, which it is not by any means');
    expect(port.read(other)).toMatchObject({ state: 'refused', reason: expect.stringContaining('no SQLite database') });
    owner.database.close();
    truncateSync(owner.path, 5_000);
    expect(port.read(owner.path)).toMatchObject({ state: 'refused', reason: expect.stringContaining('damaged') });
    expect(port.read(folder)).toMatchObject({ state: 'refused', reason: 'it is a directory' });
  });
});

describe('a database that others use', () => {
  it('is waited for while somebody writes, and then left for later', async () => {
    const before = port.read(owner.path);
    owner.database.exec('BEGIN IMMEDIATE');
    const waiting = port.replace(owner.path, before, textOf({}));
    expect(await waiting).toMatchObject({ outcome: { result: 'locked' } });
    expect(port.read(owner.path)).toEqual(before);
    const patient = createSqliteStore(agentDatabase).replace(owner.path, before, textOf({}));
    owner.database.exec('COMMIT');
    expect(await patient).toEqual({ outcome: { result: 'replaced' } });
  });

  it('is not written once the permit has lapsed that it was waiting under', async () => {
    const before = port.read(owner.path);
    owner.database.exec('BEGIN IMMEDIATE');
    let isOver = false;
    const waiting = createSqliteStore(agentDatabase).replace(owner.path, before, textOf({}), {
      mayStill: () => !isOver,
    });
    isOver = true;
    owner.database.exec('COMMIT');
    expect(await waiting).toEqual({ outcome: { result: 'lapsed' } });
    expect(port.read(owner.path)).toMatchObject({ text: before.state === 'read' && before.text });
  });

  it('that has gone meanwhile is not made anew', async () => {
    const before = port.read(owner.path);
    owner.database.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${owner.path}${suffix}`, { force: true });
    expect(await port.replace(owner.path, before, textOf({}))).toEqual({ outcome: { result: 'overtaken' } });
    expect(existsSync(owner.path)).toBe(false);
  });

  it('that another was put in place of keeps the other’s logins', async () => {
    const before = port.read(owner.path);
    const other = openOwned(await mkdtemp(join(folder, 'other-')), agentDatabase);
    const theirs = textOf({ [id]: entry() });
    other.save(theirs);
    other.database.close();
    owner.database.close();
    renameSync(other.path, owner.path);
    expect(await port.replace(owner.path, before, textOf({}))).toEqual({ outcome: { result: 'overtaken' } });
    expect(port.read(owner.path)).toMatchObject({ state: 'read', text: theirs });
  });

  it('whose owner died before its log was merged is read and written with what stands in the log', async () => {
    const last = textOf({ [id]: entry() });
    owner.save(last);
    const crashed = await mkdtemp(join(folder, 'crashed-'));
    for (const suffix of ['', '-wal'])
      copyFileSync(owner.path + suffix, join(crashed, agentDatabase.fileName + suffix));
    const path = join(crashed, agentDatabase.fileName);
    const before = port.read(path);
    expect(before).toMatchObject({ state: 'read', text: last });
    const text = textOf({ [id]: entry() });
    expect(await port.replace(path, before, text)).toEqual({ outcome: { result: 'replaced' } });
    expect(port.read(path)).toMatchObject({ state: 'read', text });
  });

  it('whose owner died in the middle of a change is read as it was before', async () => {
    const rollback = openOwned(await mkdtemp(join(folder, 'rollback-')), agentDatabase, 'delete');
    const text = textOf({ [id]: entry() });
    rollback.save(text);
    rollback.database.close();
    const script = `
      import { DatabaseSync } from 'node:sqlite';
      const database = new DatabaseSync(process.argv[1]);
      database.exec('PRAGMA cache_size = 1; BEGIN; CREATE TABLE spilled (content TEXT)');
      for (let row = 0; row < 200; row++) database.exec('INSERT INTO spilled VALUES (hex(randomblob(4000)))');
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, rollback.path]);
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    expect(existsSync(`${rollback.path}-journal`)).toBe(true);
    expect(port.read(rollback.path)).toMatchObject({ state: 'read', text });
  });

  it('is written beside a reader that holds its view of before', async () => {
    owner.database.exec('BEGIN; SELECT * FROM auth_profile_store');
    const text = textOf({ [id]: entry() });
    expect(await port.replace(owner.path, port.read(owner.path), text)).toEqual({ outcome: { result: 'replaced' } });
    owner.database.exec('COMMIT');
    expect(owner.text()).toBe(text);
  });

  it('gets a new time in its row, and no other row is touched', async () => {
    owner.state?.save('{"version":1}');
    owner.database.exec('UPDATE auth_profile_store SET updated_at = 1; UPDATE auth_profile_state SET updated_at = 1');
    await port.replace(owner.path, port.read(owner.path), textOf({}));
    const times = (table: string) => Number(owner.database.prepare(`SELECT updated_at AS at FROM ${table}`).get()?.at);
    expect([times('auth_profile_store') > Date.now() - hour, times('auth_profile_state')]).toEqual([true, 1]);
  });

  it('that this user may not write stays as it is', async () => {
    const before = port.read(owner.path);
    owner.database.close();
    chmodSync(owner.path, 0o400);
    const { outcome } = await port.replace(owner.path, before, textOf({}));
    // Root may write whatever its mode says.
    expect(outcome.result).toBe(process.getuid?.() === 0 ? 'replaced' : 'failed');
  });
});

const fingerprint = (text: string): Fingerprint =>
  createHash('sha256').update(text).digest('hex').slice(0, 32) as Fingerprint;
const context = () => ({ fingerprint, now: Date.now(), clockOffsetMs: 0 });

/** The login of `id` as it stands, and another one to take its place. */
function order(): { readonly delivery: Delivery; readonly access: string } {
  const { access: old } = JSON.parse(owner.text() ?? '').profiles[id];
  const access = secret();
  const expected = { access: fingerprint(old) };
  const credential = { kind: 'oauth', provider: 'xai', access, expiresAt: Date.now() + hour, details: {} } as const;
  return { delivery: { store: owner.path as StoreId, profile: id, expected, credential, form: 'bearer' }, access };
}

const accessOf = (profile: string) => JSON.parse(owner.text() ?? '').profiles[profile]?.access;

describe('a delivery into a database', () => {
  it('loses no word of an owner that writes in a tight loop', { timeout: 60_000 }, async () => {
    const script = `
      import { DatabaseSync } from 'node:sqlite';
      const database = new DatabaseSync(process.argv[1], { timeout: 30_000 });
      for (let turn = 1; turn <= 300; turn++) {
        database.exec('BEGIN IMMEDIATE');
        const store = JSON.parse(database.prepare('SELECT store_json AS text FROM auth_profile_store').get().text);
        store.profiles['xai:own'] = { type: 'api_key', provider: 'xai', key: 'turn ' + turn };
        database.prepare('UPDATE auth_profile_store SET store_json = ?').run(JSON.stringify(store));
        database.exec('COMMIT');
      }
      process.stdout.write(JSON.parse(database.prepare('SELECT store_json AS text FROM auth_profile_store').get().text).profiles['xai:own'].key);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, owner.path]);
    let isOver = false;
    const ended = once(child, 'exit').then(([code]) => {
      isOver = true;
      return code;
    });
    const { deliver } = createDeliverer({ context });
    let deliveries = 0;
    while (!isOver || deliveries === 0) {
      const { delivery, access } = order();
      expect(await deliver(delivery)).toMatchObject({ result: 'written' });
      expect(accessOf(id)).toBe(access);
      deliveries++;
      await nextTurn();
    }
    expect(await ended).toBe(0);
    expect(JSON.parse(owner.text() ?? '').profiles['xai:own'].key).toBe('turn 300');
  });

  it.each(transactionSteps.map(step => [step]))('that is killed at %s leaves the old or the new login', async step => {
    const { delivery, access } = order();
    const script = `
      import { createHash } from 'node:crypto';
      import { createDeliverer } from ${JSON.stringify(join(import.meta.dirname, 'delivery.ts'))};
      const { delivery, step } = JSON.parse(process.argv[1]);
      const fingerprint = text => createHash('sha256').update(text).digest('hex').slice(0, 32);
      const { deliver } = createDeliverer({
        context: () => ({ fingerprint, now: Date.now(), clockOffsetMs: 0 }),
        at: reached => void (reached === step && process.kill(process.pid, 'SIGKILL')),
      });
      await deliver(delivery);`;
    const text = owner.text();
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, JSON.stringify({ delivery, step })]);
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    if (step === 'committed') expect(accessOf(id)).toBe(access);
    else expect(owner.text()).toBe(text);
    expect(await createDeliverer({ context }).deliver(delivery)).toMatchObject({ result: 'written' });
    expect(accessOf(id)).toBe(access);
    expect(owner.database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  });
});
