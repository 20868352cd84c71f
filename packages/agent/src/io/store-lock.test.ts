import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { acquireStoreLock } from './store-lock.ts';

let directory: string;
let store: string;
let lock: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-lock-')));
  store = join(directory, 'auth-profiles.json');
  lock = `${store}.lock`;
  await writeFile(store, '{}');
});

const holdBy = (pid: number, createdAt = new Date()): Promise<void> =>
  writeFile(lock, JSON.stringify({ pid, createdAt: createdAt.toISOString() }));
const age = (path: string, seconds: number): Promise<void> =>
  utimes(path, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds);

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

async function take(waitMs = 0) {
  const outcome = await acquireStoreLock(store, { waitMs });
  return { ...outcome, reason: outcome.state === 'held' ? undefined : outcome.reason };
}

describe('the lock of a store', () => {
  it('is a file in OpenClaw’s form, gone after release', async () => {
    const outcome = await acquireStoreLock(store);
    const content = JSON.parse(await readFile(lock, 'utf8'));
    expect(Object.keys(content)).toEqual(['pid', 'createdAt', ...(process.platform === 'linux' ? ['starttime'] : [])]);
    expect(content.pid).toBe(process.pid);
    expect(Math.abs(Date.parse(content.createdAt) - Date.now())).toBeLessThan(5_000);
    if (outcome.state === 'held') outcome.release();
    expect(await readdir(directory)).toEqual(['auth-profiles.json']);
  });

  it('of a living process is waited for and then named', async () => {
    await holdBy(process.ppid);
    expect(await take(50)).toMatchObject({
      state: 'locked',
      reason: expect.stringContaining(`process ${process.ppid}`),
    });
    expect(JSON.parse(await readFile(lock, 'utf8')).pid).toBe(process.ppid);
  });

  it('is taken when its holder lets go, and waiting can be broken off', async () => {
    const first = await acquireStoreLock(store);
    const second = acquireStoreLock(store);
    if (first.state === 'held') first.release();
    const held = await second;
    expect(held.state).toBe('held');
    const abort = new AbortController();
    const third = acquireStoreLock(store, { signal: abort.signal });
    abort.abort();
    expect((await third).state).toBe('locked');
  });

  it('of a dead process is taken over', async () => {
    await holdBy(await deadPid());
    expect(await take()).toMatchObject({ state: 'held' });
    expect((await readdir(directory)).toSorted()).toEqual(['auth-profiles.json', 'auth-profiles.json.lock']);
  });

  it('of a former process with our own or a recycled id is taken over', async () => {
    await holdBy(process.pid);
    expect(await take()).toMatchObject({ state: 'held' });
    const other = `${store}2`;
    const past = new Date(Date.now() - 3_600_000_000);
    await writeFile(`${other}.lock`, JSON.stringify({ pid: process.ppid, createdAt: past.toISOString() }));
    await age(`${other}.lock`, 3_600_000);
    const isTold = process.platform === 'linux';
    expect((await acquireStoreLock(other, { waitMs: 0 })).state).toBe(isTold ? 'held' : 'locked');
  });

  it.each([
    ['an empty file', () => writeFile(lock, '')],
    ['an unreadable file', () => writeFile(lock, 'x')],
    ['a directory of 2026.2.12', () => mkdir(lock)],
  ])('that is %s is stale after 30 s only', async (_name, make) => {
    await make();
    expect(await take(20)).toMatchObject({ state: 'locked' });
    await age(lock, 31);
    expect(await take()).toMatchObject({ state: 'held' });
  });

  it('is released only while it is still ours', async () => {
    const outcome = await acquireStoreLock(store);
    await holdBy(process.ppid);
    if (outcome.state === 'held') outcome.release();
    expect(JSON.parse(await readFile(lock, 'utf8')).pid).toBe(process.ppid);
  });

  it('of a linked store is taken at both places', async () => {
    const link = join(directory, 'link.json');
    await symlink(store, link);
    const outcome = await acquireStoreLock(link);
    expect((await readdir(directory)).filter(name => name.endsWith('.lock'))).toHaveLength(2);
    if (outcome.state === 'held') outcome.release();
    expect((await readdir(directory)).filter(name => name.endsWith('.lock'))).toEqual([]);
  });

  it('passes over the guard of a taker who died', async () => {
    const dead = await deadPid();
    await holdBy(dead);
    const { ino, mtimeNs } = statSync(lock, { bigint: true });
    await writeFile(join(directory, `.authmesh-takeover-${ino}-${mtimeNs}-0`), String(dead));
    expect(await take()).toMatchObject({ state: 'held' });
    expect((await readdir(directory)).filter(name => name.includes('takeover'))).toEqual([]);
  });

  it('that is abandoned goes to one of many takers, in as many processes', async () => {
    const script = `
      import { acquireStoreLock } from ${JSON.stringify(join(import.meta.dirname, 'store-lock.ts'))};
      import { appendFileSync } from 'node:fs';
      const outcome = await acquireStoreLock(process.argv[1], { waitMs: 20_000 });
      if (outcome.state !== 'held') process.exit(1);
      appendFileSync(process.argv[2], '+');
      await new Promise(resolve => setImmediate(resolve));
      appendFileSync(process.argv[2], '-');
      outcome.release();`;
    const record = join(directory, 'record');
    await holdBy(await deadPid());
    const takers = Array.from({ length: 6 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', script, store, record], { stdio: 'inherit' }),
    );
    const codes = await Promise.all(takers.map(async taker => (await once(taker, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
    expect(await readFile(record, 'utf8')).toBe('+-'.repeat(6));
  });
});
