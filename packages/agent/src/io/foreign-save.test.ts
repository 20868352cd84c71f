import { mkdtemp, readFile, realpath, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { isUntouched } from './foreign-save.ts';
import { peekSignature, readStoreFile } from './store-file.ts';
import { replaceStore } from './store-replacement.ts';

let store: string;
let temp: string;
beforeEach(async () => {
  store = join(await realpath(await mkdtemp(join(tmpdir(), 'authmesh-save-'))), 'auth-profiles.json');
  temp = `${store}.0b0f6f0e-54a1-4c5c-8a49-1f0a9b1d7c11.tmp`;
  await writeFile(store, 'before');
});

describe('a file that somebody else saves by a rename', () => {
  it('is untouched while nobody does, and when somebody did is not', async () => {
    const signature = peekSignature(store);
    expect(await isUntouched(store, signature)).toBe(true);
    await writeFile(temp, 'theirs');
    await rename(temp, store);
    expect(await isUntouched(store, signature)).toBe(false);
    await rm(store);
    expect([await isUntouched(store, signature), await isUntouched(store, undefined)]).toEqual([false, true]);
  });

  it('is not replaced while that is under way, and their word stays', async () => {
    const read = readStoreFile(store);
    let saved: Promise<void> | undefined;
    const { outcome } = await replaceStore(store, read, 'ours', {
      at: async step => {
        if (step !== 'temp-synced') return;
        await writeFile(temp, 'theirs');
        saved = new Promise(resolve => setTimeout(() => resolve(rename(temp, store)), 30));
      },
    });
    await saved;
    expect(outcome).toEqual({ result: 'overtaken' });
    expect(await readFile(store, 'utf8')).toBe('theirs');
  });

  it('waits for nobody who died in the middle', async () => {
    await writeFile(temp, 'half');
    for (const awayMs of [-60_000, 60_000]) {
      const then = new Date(Date.now() + awayMs);
      await utimes(temp, then, then);
      expect(await isUntouched(store, peekSignature(store))).toBe(true);
    }
    expect(await replaceStore(store, readStoreFile(store), 'ours')).toEqual({ outcome: { result: 'replaced' } });
    expect(await readFile(store, 'utf8')).toBe('ours');
  });
});
