import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { operatorSentence } from './errors.ts';
import { ensurePrivateDirectory, readPrivateJson, readPrivateText, writePrivateJson } from './private-file.ts';

const schema = z.strictObject({ name: z.string(), size: z.number() });
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'authmesh-private-'));
});

async function sentenceOf(action: Promise<unknown>): Promise<string> {
  return operatorSentence(
    await action.then(
      () => 'no error',
      (error: unknown) => error,
    ),
  );
}

describe('private files', () => {
  it('are written with mode 0600 and read back, leaving nothing beside them', async () => {
    const file = join(directory, 'a.json');
    await writePrivateJson(file, { name: 'x', size: 1 });
    await writePrivateJson(file, { name: 'x', size: 2 });
    expect(await readPrivateJson(file, schema)).toEqual({ name: 'x', size: 2 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['a.json']);
    expect(await readFile(file, 'utf8')).toBe('{\n  "name": "x",\n  "size": 2\n}\n');
  });

  it('that are missing are undefined, a dangling link is not', async () => {
    expect(await readPrivateText(join(directory, 'none'))).toBeUndefined();
    await symlink(join(directory, 'nowhere'), join(directory, 'link'));
    expect(await sentenceOf(readPrivateText(join(directory, 'link')))).toContain('it does not exist (ENOENT)');
  });

  it('that others may read are refused with the command that mends it', async () => {
    const file = join(directory, 'a.json');
    await writePrivateJson(file, { name: 'x', size: 1 });
    await chmod(file, 0o644);
    expect(await sentenceOf(readPrivateJson(file, schema))).toBe(
      `${file} can be opened by others (mode 0644): run: chmod 600 '${file}'.`,
    );
  });

  it('never show their contents in an error', async () => {
    const file = join(directory, 'a.json');
    const secret = randomBytes(12).toString('hex');
    for (const text of [`{"name": "${secret}"`, `{"name":"${secret}","size":"${secret}"}`]) {
      await writeFile(file, text, { mode: 0o600 });
      const sentence = await sentenceOf(readPrivateJson(file, schema));
      expect(sentence).toContain(file);
      expect(sentence).not.toContain(secret);
    }
    expect(await sentenceOf(readPrivateJson(file, schema))).toContain('"size"');
  });

  it('say what the disk said', async () => {
    const file = join(directory, 'folder');
    await mkdir(file, { mode: 0o700 });
    expect(await sentenceOf(writePrivateJson(file, {}))).toMatch(/cannot write .*folder: it is a directory/);
    expect(await readdir(directory)).toEqual(['folder']);
  });
});

describe('private folders', () => {
  it('are made with mode 0700, parents too', async () => {
    const made = join(directory, 'a', 'b');
    await ensurePrivateDirectory(made);
    await ensurePrivateDirectory(made);
    expect((await stat(made)).mode & 0o777).toBe(0o700);
  });

  it('are made once, whoever asks at the same time', async () => {
    const made = join(directory, 'a', 'b', 'c');
    await Promise.all([1, 2, 3, 4].map(() => ensurePrivateDirectory(made)));
    expect((await stat(join(directory, 'a'))).mode & 0o777).toBe(0o700);
  });

  it('are refused with a sentence where a parent takes none', async () => {
    for (const folder of ['/proc/authmesh', '/proc/authmesh/data']) {
      expect(await sentenceOf(ensurePrivateDirectory(folder))).toMatch(
        /^cannot make the folder \/proc.*: (\/proc takes no folders|.*\(E[A-Z]+\))/,
      );
    }
  });

  it('that others may enter are closed to them', async () => {
    await chmod(directory, 0o755);
    await ensurePrivateDirectory(directory);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  it('are not made where a file stands', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    expect(await sentenceOf(ensurePrivateDirectory(file))).toContain('cannot make the folder');
  });
});
