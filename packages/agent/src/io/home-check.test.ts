import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createHomeCheck, findWriteTrouble } from './home-check.ts';

it('says why a folder takes no files, and leaves none in one that does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'authmesh-check-'));
  expect(await findWriteTrouble(folder)).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(join(folder, 'file'), '');
  expect(await findWriteTrouble(join(folder, 'file'))).toBe('a part of the path is not a directory (ENOTDIR)');
  rmSync(folder, { recursive: true });
  expect(await findWriteTrouble(folder)).toBe('it does not exist (ENOENT)');
});

it('looks once for all who ask within a moment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'authmesh-check-'));
  let now = 0;
  const check = createHomeCheck(folder, () => now);
  expect(await check()).toBeUndefined();
  rmSync(folder, { recursive: true });
  expect(await check()).toBeUndefined();
  now = 6_000;
  expect(await check()).toContain('ENOENT');
});
