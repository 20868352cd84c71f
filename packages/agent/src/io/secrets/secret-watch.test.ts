import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { secretDeclarations, withPlaces } from '../formats/secret-declaration.ts';
import { createSecretReader } from './secret-reader.ts';
import { createSecretWatch } from './secret-watch.ts';

let folder: string;
let path: string;
let told: (readonly SecretReading[])[];
let reads: number;
let watch: ReturnType<typeof createSecretWatch>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authmesh-watch-'));
  path = join(folder, '.env');
  told = [];
  reads = 0;
  const read = createSecretReader(value => value as Fingerprint);
  watch = createSecretWatch({
    read: (...args) => {
      reads += 1;
      return read(...args);
    },
    onReadings: readings => told.push(readings),
    lookMs: 10,
  });
});
afterEach(async () => {
  await watch.close();
  await rm(folder, { recursive: true, force: true });
});

const declared = (...names: readonly string[]) =>
  secretDeclarations.parse(names.map(name => ({ name, from: { dotenv: path } }))).map(one => withPlaces(one, []));
const lastTold = () =>
  told.at(-1)?.map(({ name, found }) => [name, found.state === 'read' ? found.exact : found.state]);

it('tells everything at first, and everything again when a file was changed', async () => {
  await writeFile(path, 'A=1\nB=2\n');
  await watch.change(declared('A', 'B'));
  expect(lastTold()).toEqual([
    ['A', '1'],
    ['B', '2'],
  ]);
  await writeFile(path, 'A=1\nB=three\n');
  await expect.poll(lastTold).toEqual([
    ['A', '1'],
    ['B', 'three'],
  ]);
  await rm(path);
  await expect.poll(lastTold).toEqual([
    ['A', 'unreadable'],
    ['B', 'unreadable'],
  ]);
});

it('reads no file again that nobody has touched, and tells nothing where the value stayed', async () => {
  await writeFile(path, 'A=1\n');
  await watch.change(declared('A'));
  await writeFile(path, '# other\nA=1\n');
  await expect.poll(() => reads).toBe(2);
  await writeFile(path, '# another\nA=1\n');
  await expect.poll(() => reads).toBe(3);
  expect(told).toHaveLength(1);
});

it('goes by other declarations at once', async () => {
  await writeFile(path, 'A=1\nB=2\n');
  await watch.change(declared('A'));
  await watch.change(declared('B'));
  expect(lastTold()).toEqual([['B', '2']]);
  await watch.change([]);
  expect(lastTold()).toEqual([]);
});
