import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, realpath, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { refreshLockNames } from './formats/refresh-lock-name.ts';
import { acquireRefreshLocks, type RefreshedLogin } from './openclaw-refresh-lock.ts';
import { acquireStoreLock } from './store-lock.ts';

let stateDir: string;
let folder: string;
let store: StoreId;
let login: RefreshedLogin;
const [twin = '', sha256 = ''] = refreshLockNames('xai', 'xai:default');
const children: ChildProcess[] = [];
const isLinux = process.platform === 'linux';

beforeEach(async () => {
  stateDir = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-refresh-lock-')));
  folder = join(stateDir, 'locks', 'oauth-refresh');
  const agentDir = join(stateDir, 'agents', 'main', 'agent');
  await mkdir(agentDir, { recursive: true });
  store = join(agentDir, 'auth-profiles.json') as StoreId;
  await writeFile(store, '{}');
  login = { stateDir, provider: 'xai', profile: 'xai:default' as ProfileId, stores: [] };
});
afterEach(async () => {
  vi.useRealTimers();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(stateDir, { recursive: true, force: true });
});

async function take(waitMs = 0, wanted = login) {
  const outcome = await acquireRefreshLocks([wanted], { waitMs });
  return outcome.state === 'held' ? { ...outcome, reason: undefined } : { ...outcome, release: () => undefined };
}

async function holdBy(content: object, name = twin): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), JSON.stringify({ createdAt: new Date(), ...content }, null, 2));
  return join(folder, name);
}

const age = (path: string, seconds: number): Promise<void> =>
  utimes(path, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds);

/** A process that takes the lock by this very module, says so, and goes on until it is killed or told. */
async function startHolder(stores: readonly string[] = []): Promise<ChildProcess> {
  const script = `
    import { acquireRefreshLocks } from ${JSON.stringify(join(import.meta.dirname, 'openclaw-refresh-lock.ts'))};
    const outcome = await acquireRefreshLocks([JSON.parse(process.argv[1])], { waitMs: 20_000 });
    process.stdout.write(outcome.state);
    process.stdin.on('data', () => { outcome.release(); process.exit(); });
    setInterval(() => {}, 1_000);`;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--conditions=@authmesh/source', '-e', script, JSON.stringify({ ...login, stores })],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  children.push(child);
  expect(String((await once(child.stdout as NodeJS.ReadableStream, 'data'))[0])).toBe('held');
  return child;
}

describe('the lock of a refresh', () => {
  it('is every file that some release looks at, in OpenClaw’s form, gone after release', async () => {
    const outcome = await take();
    expect(readdirSync(folder).toSorted()).toEqual([twin, sha256].toSorted());
    for (const name of [twin, sha256]) {
      const content = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      expect(content).toMatchObject({ pid: process.pid, createdAt: expect.stringMatching(/^\d{4}-.*Z$/) });
      if (isLinux) expect(content.starttime).toBeGreaterThan(0);
    }
    for (const made of [folder, join(stateDir, 'locks')]) expect(statSync(made).mode & 0o777).toBe(0o700);
    outcome.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of an OpenAI login is held under the names of both eras', async () => {
    const outcome = await take(0, { ...login, provider: 'openai-codex', profile: 'openai-codex:work' as ProfileId });
    const expected = [
      ...refreshLockNames('openai-codex', 'openai-codex:work'),
      ...refreshLockNames('openai', 'openai:work'),
      ...refreshLockNames('openai', 'openai-codex:work'),
    ];
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(expected));
    outcome.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes the locks of JSON stores that are there, and no other store’s', async () => {
    const agentDir = join(stateDir, 'agents', 'main', 'agent');
    const database = join(agentDir, 'openclaw-agent.sqlite') as StoreId;
    await writeFile(database, '');
    const absent = join(stateDir, 'agents', 'work', 'agent', 'auth-profiles.json') as StoreId;
    const outcome = await take(0, { ...login, stores: [absent, database, store] });
    expect(outcome.state).toBe('held');
    expect(readdirSync(agentDir).filter(name => name.endsWith('.lock'))).toEqual(['auth-profiles.json.lock']);
    outcome.release();
    expect(readdirSync(agentDir).filter(name => name.endsWith('.lock'))).toEqual([]);
  });

  it('keeps other processes from the store, and lets this one’s deliveries go on, one at a time', async () => {
    const holder = await startHolder([store]);
    expect(await acquireStoreLock(store, { waitMs: 50 })).toMatchObject({ state: 'locked' });
    holder.stdin?.write('.');
    await once(holder, 'exit');
    const outcome = await take(0, { ...login, stores: [store] });
    const delivery = await acquireStoreLock(store, { waitMs: 0 });
    expect(delivery.state).toBe('held');
    expect(await acquireStoreLock(store, { waitMs: 20 })).toMatchObject({ state: 'locked' });
    outcome.release();
    // The delivery has not ended.
    expect(existsSync(`${store}.lock`)).toBe(true);
    if (delivery.state === 'held') delivery.release();
    expect(existsSync(`${store}.lock`)).toBe(false);
  });

  it.each([twin, sha256])('waits while OpenClaw holds %s, names it, and leaves nothing behind', async name => {
    const child = spawn('sleep', ['60']);
    children.push(child);
    await holdBy({ pid: child.pid }, name);
    const { state, reason } = await take(100);
    expect([state, reason]).toEqual([
      'locked',
      expect.stringContaining(`xai:default cannot be refreshed now: process ${child.pid} holds`),
    ]);
    expect(readdirSync(folder)).toEqual([name]);
    const waiting = take(20_000);
    child.kill('SIGKILL');
    expect((await waiting).state).toBe('held');
  });

  it('is waited for no longer than until it is broken off', async () => {
    const first = await take();
    const abort = new AbortController();
    const second = acquireRefreshLocks([login], { waitMs: 60_000, signal: abort.signal });
    abort.abort();
    expect(await second).toMatchObject({ state: 'locked', reason: expect.stringContaining('this agent itself') });
    first.release();
    expect((await take()).state).toBe('held');
  });

  it('of an agent that was killed is taken over', async () => {
    const holder = await startHolder([store]);
    expect((await take(0, { ...login, stores: [store] })).state).toBe('locked');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const outcome = await take(0, { ...login, stores: [store] });
    expect(outcome.state).toBe('held');
    expect(readdirSync(folder).toSorted()).toEqual([twin, sha256].toSorted());
  });

  it('of a process id that was used again, or of a zombie, is taken over where the system tells', async () => {
    const expected = isLinux ? 'held' : 'locked';
    await holdBy({ pid: process.ppid, starttime: 1 });
    const outcome = await take();
    expect(outcome.state).toBe(expected);
    outcome.release();
    const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60']);
    children.push(parent);
    const pid = Number(String((await once(parent.stdout, 'data'))[0]));
    await holdBy({ pid });
    await expect.poll(async () => (await take()).state).toBe(expected);
  });

  it('that names no process is abandoned after three minutes', async () => {
    const lock = await holdBy({});
    await writeFile(lock, '');
    await age(lock, 170);
    expect((await take()).state).toBe('locked');
    await age(lock, 181);
    expect((await take()).state).toBe('held');
  });

  it('that OpenClaw is just taking over is left to it', async () => {
    const lock = await holdBy({ pid: 2 ** 30 });
    await mkdir(`${lock}.reclaim`);
    expect((await take(20)).state).toBe('locked');
    await rm(`${lock}.reclaim`, { recursive: true });
    expect((await take()).state).toBe('held');
  });

  it('knows when it was taken away, and releases what is its own', async () => {
    const outcome = await acquireRefreshLocks([login]);
    if (outcome.state !== 'held') throw new Error(outcome.reason);
    expect(outcome.isHeld()).toBe(true);
    const lock = await holdBy({ pid: process.ppid });
    expect(outcome.isHeld()).toBe(false);
    outcome.release();
    expect(readdirSync(folder)).toEqual([twin]);
    expect(JSON.parse(await readFile(lock, 'utf8')).pid).toBe(process.ppid);
  });

  it('stays young while it is held', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const outcome = await acquireRefreshLocks([{ ...login, stores: [store] }], { waitMs: 0 });
    const youngest = () => Date.parse(JSON.parse(readFileSync(`${store}.lock`, 'utf8')).createdAt);
    for (let time = 0; time < 20; time++) {
      vi.advanceTimersByTime(5_000);
      expect(Date.now() - youngest()).toBeLessThan(1_000);
    }
    expect(outcome.state === 'held' && outcome.isHeld()).toBe(true);
    // A host that slept for long: OpenClaw may be taking it away.
    vi.setSystemTime(Date.now() + 60_000);
    vi.advanceTimersByTime(5_000);
    expect(Date.now() - youngest()).toBeGreaterThan(60_000);
    if (outcome.state === 'held') outcome.release();
    expect(existsSync(`${store}.lock`)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that cannot be made is a reason', async () => {
    const cases = [
      ['gone', async () => rm(stateDir, { recursive: true })],
      ['a file in its place', async () => writeFile(join(stateDir, 'locks'), '')],
      ['a link to nowhere', async () => symlink('/nowhere/at/all', join(stateDir, 'locks'))],
    ] as const;
    for (const [name, make] of cases) {
      await rm(join(stateDir, 'locks'), { force: true });
      await mkdir(stateDir, { recursive: true });
      await make();
      expect(await take(), name).toMatchObject({ state: 'failed', reason: expect.stringContaining(stateDir) });
    }
  });

  it('is the same through links', async () => {
    const elsewhere = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-refresh-lock-')));
    await symlink(elsewhere, join(stateDir, 'locks'));
    await symlink(stateDir, join(elsewhere, 'state'));
    const outcome = await take();
    expect((await take(0, { ...login, stateDir: join(elsewhere, 'state') })).state).toBe('locked');
    outcome.release();
    expect(readdirSync(join(elsewhere, 'oauth-refresh'))).toEqual([]);
    await rm(elsewhere, { recursive: true });
  });

  it('of root’s agent belongs to OpenClaw’s user', async () => {
    if (process.getuid?.() === 0) await chown(stateDir, 4_711, 4_711);
    const { uid } = statSync(stateDir);
    await take();
    for (const path of [join(stateDir, 'locks'), folder, join(folder, twin)]) expect(statSync(path).uid).toBe(uid);
  });

  it('goes to one of many agents at a time, in as many processes, after a holder that was killed', async () => {
    const killed = await startHolder();
    const record = join(stateDir, 'record');
    const script = `
      import { acquireRefreshLocks } from ${JSON.stringify(join(import.meta.dirname, 'openclaw-refresh-lock.ts'))};
      import { appendFileSync } from 'node:fs';
      for (let time = 0; time < 5; time++) {
        const outcome = await acquireRefreshLocks([JSON.parse(process.argv[1])], { waitMs: 60_000 });
        if (outcome.state !== 'held') process.exit(1);
        appendFileSync(process.argv[2], '+');
        await new Promise(resolve => setTimeout(resolve, 5));
        if (!outcome.isHeld()) process.exit(2);
        appendFileSync(process.argv[2], '-');
        outcome.release();
      }`;
    const args = [
      '--input-type=module',
      '--conditions=@authmesh/source',
      '-e',
      script,
      JSON.stringify({ ...login, stores: [store] }),
      record,
    ];
    const takers = Array.from({ length: 4 }, () => spawn(process.execPath, args, { stdio: 'inherit' }));
    const ends = takers.map(async taker => (await once(taker, 'exit'))[0]);
    killed.kill('SIGKILL');
    expect(await Promise.all(ends)).toEqual([0, 0, 0, 0]);
    expect(await readFile(record, 'utf8')).toBe('+-'.repeat(20));
    expect(readdirSync(folder)).toEqual([]);
  }, 60_000);
});
