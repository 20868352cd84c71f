import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findInstance, takeInstanceLock } from './instance-lock.ts';

let home: string;
let lock: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'authmesh-lock-'));
  lock = join(home, 'daemon.lock');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process that takes the lock and says how that went. */
function contender(): Promise<{ readonly child: ChildProcess; readonly word: string }> {
  const module = fileURLToPath(new URL('./instance-lock.ts', import.meta.url));
  const code = `import { takeInstanceLock } from ${JSON.stringify(module)};
    takeInstanceLock(process.argv[1], 'the agent').then(
      () => { console.log('taken'); setInterval(() => {}, 1000); },
      error => console.log(error.code + ' ' + error.message),
    );`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return new Promise(resolve =>
    child.stdout?.once('data', (data: Buffer) => resolve({ child, word: String(data).trim() })),
  );
}

it('lets one in, names it to the second, and the next in after the release', async () => {
  const first = await takeInstanceLock(home, 'the agent');
  await expect(takeInstanceLock(home, 'the agent')).rejects.toMatchObject({
    code: 'ERR_ALREADY_RUNNING',
    exitCode: 75,
    message: `the agent is already running for ${home}, as process ${process.pid}`,
  });
  expect(await findInstance(home)).toBe(process.pid);
  await first.release();
  expect(await findInstance(home)).toBeUndefined();
  const second = await takeInstanceLock(home, 'the agent');
  await second.release();
  expect(await readdir(home)).toEqual([]);
});

it('survives a killed holder', async () => {
  const { child, word } = await contender();
  expect(word).toBe('taken');
  await expect(takeInstanceLock(home, 'the agent')).rejects.toMatchObject({ code: 'ERR_ALREADY_RUNNING' });
  const ended = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  await (await takeInstanceLock(home, 'the agent')).release();
});

it('is not fooled by a number that was used again, another boot, or garbage', async () => {
  const first = await takeInstanceLock(home, 'the agent');
  const contents = JSON.parse(await readFile(lock, 'utf8'));
  await first.release();
  for (const text of [
    JSON.stringify({ ...contents, startedAt: 'earlier' }),
    JSON.stringify({ ...contents, realm: 'another boot' }),
    '{"pid":',
    '',
  ]) {
    await writeFile(lock, text);
    await (await takeInstanceLock(home, 'the agent')).release();
  }
  expect(await readdir(home)).toEqual([]);
});

it('replaces a stale lock even when a replacement was killed in the middle', async () => {
  await writeFile(lock, 'garbage');
  await writeFile(`${lock}.takeover`, 'garbage');
  await (await takeInstanceLock(home, 'the agent')).release();
});

it('lets exactly one of several in over a stale lock', async () => {
  await writeFile(lock, 'garbage');
  const words = (await Promise.all(Array.from({ length: 5 }, contender))).map(({ word }) => word);
  expect(words.filter(word => word === 'taken')).toHaveLength(1);
  for (const word of words) expect(word).toMatch(/^taken$|^ERR_ALREADY_RUNNING|^ERR_LOCK_HELD/);
});
