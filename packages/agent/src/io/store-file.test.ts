import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { replaceFile, sweepTemps, tempPath } from './durable-file.ts';
import { isSameSignature, peekSignature, readStoreFile } from './store-file.ts';

const isRoot = process.getuid?.() === 0;
let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'authmesh-file-'));
  path = join(directory, 'auth-profiles.json');
});

function reasonOf(file: string): string | undefined {
  const read = readStoreFile(file);
  return read.state === 'refused' ? read.reason : undefined;
}

describe('reading a store', () => {
  it('gives text, target and signature, through a symbolic link too', async () => {
    await writeFile(path, 'text');
    const link = join(directory, 'link');
    await symlink(path, link);
    expect(readStoreFile(link)).toMatchObject({ state: 'read', text: 'text', target: path });
    expect(readStoreFile(join(directory, 'none'))).toEqual({ state: 'absent' });
  });

  it('refuses a directory, a pipe, a loop, a dangling link, binary data and a huge file', async () => {
    expect(reasonOf(directory)).toMatch(/directory/);
    execFileSync('/usr/bin/mkfifo', [path]);
    expect(reasonOf(path)).toMatch(/not a regular file/);
    const [a, b, c] = ['a', 'b', 'c'].map(name => join(directory, name)) as [string, string, string];
    await symlink(b, a);
    await symlink(a, b);
    expect(reasonOf(a)).toMatch(/loop/);
    await symlink(join(directory, 'gone'), c);
    expect(reasonOf(c)).toMatch(/symbolic link to .*gone, which does not exist/);
    await writeFile(join(directory, 'binary'), Buffer.from([0x7b, 0xff, 0xfe, 0x00]));
    expect(reasonOf(join(directory, 'binary'))).toMatch(/binary/);
    await writeFile(join(directory, 'huge'), Buffer.alloc(8 * 1024 * 1024 + 1, 32));
    expect(reasonOf(join(directory, 'huge'))).toMatch(/8 MiB/);
  });

  it('refuses a file of another owner and an unreadable one, by name of what to do', async () => {
    await writeFile(path, '{}');
    if (isRoot) {
      // As root every file can be read: the rule is for an agent of an ordinary user.
      vi.spyOn(process, 'getuid').mockReturnValue(12_345);
      expect(reasonOf(path)).toMatch(/belongs to user 0, and this agent runs as user 12345/);
      vi.restoreAllMocks();
    } else {
      await chmod(path, 0);
      expect(reasonOf(path)).toMatch(/may not read/);
    }
  });

  it('tells files apart by signature', async () => {
    await writeFile(path, 'one');
    const before = peekSignature(path);
    await replaceFile(path, 'two');
    const after = peekSignature(path);
    expect(before && after && isSameSignature(before, after)).toBe(false);
  });
});

describe('replacing a file', () => {
  it('keeps mode and owner, and makes a new one 0600', async () => {
    await writeFile(path, 'old', { mode: 0o640 });
    await chmod(path, 0o640);
    if (isRoot) await chown(path, 1234, 1235);
    expect(await replaceFile(path, 'new')).toEqual({ result: 'replaced' });
    const stats = await stat(path);
    expect(stats.mode & 0o777).toBe(0o640);
    if (isRoot) expect([stats.uid, stats.gid]).toEqual([1234, 1235]);
    const fresh = join(directory, 'fresh.json');
    await replaceFile(fresh, 'x');
    expect((await stat(fresh)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['auth-profiles.json', 'fresh.json']);
  });

  it.each([
    ['ENOSPC', 'temp-opened', /disk of .* is full/],
    ['EROFS', 'temp-written', /read-only file system/],
    ['EACCES', 'temp-synced', /may not write/],
    ['EIO', 'temp-written', /failed \(EIO\)/],
  ] as const)('leaves the old file and no temporary one when the system says %s', async (code, step, sentence) => {
    await writeFile(path, 'old');
    const outcome = await replaceFile(path, 'new', {
      at: reached => {
        if (reached === step) throw Object.assign(new Error(code), { code });
      },
    });
    expect(outcome).toEqual({ result: 'failed', reason: expect.stringMatching(sentence) });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(directory)).toEqual(['auth-profiles.json']);
  });

  it('writes nothing over a file that changed in between', async () => {
    await writeFile(path, 'old');
    expect(await replaceFile(path, 'new', { isUnchanged: () => false })).toEqual({ result: 'overtaken' });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(directory)).toEqual(['auth-profiles.json']);
  });

  it('says so where the directory cannot be written', async () => {
    const outcome = await replaceFile(join(directory, 'none', 'x.json'), 'new');
    expect(outcome).toMatchObject({ result: 'failed' });
    expect(await replaceFile(join('/proc', 'x.json'), 'new')).toMatchObject({ result: 'failed' });
  });

  it('sweeps what dead processes left, and nothing else', async () => {
    const dead = join(directory, '.authmesh-999999999-0123456789abcdef.tmp');
    const living = join(directory, `.authmesh-${process.ppid}-0123456789abcdef.tmp`);
    await Promise.all([dead, living, tempPath(directory), path].map(file => writeFile(file, '')));
    await mkdir(join(directory, 'sub'));
    await sweepTemps(directory);
    expect((await readdir(directory)).toSorted()).toEqual(
      [`.authmesh-${process.ppid}-0123456789abcdef.tmp`, 'auth-profiles.json', 'sub'].toSorted(),
    );
  });
});
