import { utimesSync } from 'node:fs';
import { mkdir, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ParsedStore } from './auth-profiles.ts';
import { agentDatabase, sharedDatabase } from './formats/sqlite-schema.ts';
import { openOwned } from './store-port-contract.ts';
import { createStoreWatcher, type StoreWatcher } from './store-watcher.ts';

const text = (access: string) =>
  JSON.stringify({
    version: 1,
    profiles: { 'xai:default': { type: 'oauth', provider: 'xai', access, expires: 2e12 } },
  });
const soon = { timeout: 5_000 };

let stateDir: string;
let seen: ParsedStore[];
let reads: number;
let watcher: StoreWatcher | undefined;
beforeEach(async () => {
  stateDir = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-watch-')));
  seen = [];
  reads = 0;
});
afterEach(() => watcher?.close());

/** Watches with a rescan that never comes: what is seen, an event has told. */
async function watch(): Promise<void> {
  watcher = await createStoreWatcher({
    places: { stateDirs: [stateDir] },
    context: () => {
      reads++;
      return { fingerprint: one => one as Fingerprint, now: Date.now(), clockOffsetMs: 0 };
    },
    onStore: (_, parsed) => seen.push(parsed),
    rescanMs: 3_600_000,
  });
}

const last = () => {
  const state = seen.at(-1)?.seen;
  return state?.state === 'readable' ? state.profiles.map(({ access }) => access).join() : state?.state;
};

async function agentFolder(): Promise<string> {
  const folder = join(stateDir, 'agents', 'main', 'agent');
  await mkdir(folder, { recursive: true });
  return folder;
}

it('sees each login that is saved into a database, and that its row is gone', async () => {
  const owner = openOwned(await agentFolder(), agentDatabase);
  owner.save(text('one'));
  await watch();
  expect(last()).toBe('one');
  for (const access of ['two', 'three', 'four']) {
    owner.save(text(access));
    await expect.poll(last, soon).toBe(access);
  }
  owner.database.exec('DELETE FROM auth_profile_store');
  await expect.poll(last, soon).toBe('absent');
  owner.database.close();
});

it('sees the last login of a burst', async () => {
  await mkdir(join(stateDir, 'state'), { recursive: true });
  const owner = openOwned(join(stateDir, 'state'), sharedDatabase);
  owner.save(text('first'));
  await watch();
  for (let turn = 0; turn < 50; turn++) owner.save(text(`turn${turn}`));
  await expect.poll(last, soon).toBe('turn49');
  owner.database.close();
});

it('sees the first login of an agent whose database was there before', async () => {
  const owner = openOwned(await agentFolder(), agentDatabase);
  await watch();
  expect(last()).toBeUndefined();
  owner.save(text('first'));
  await expect.poll(last, soon).toBe('first');
  owner.database.close();
});

it('is not kept busy by its own reading, not even by a file from the future', async () => {
  const owner = openOwned(await agentFolder(), agentDatabase);
  owner.save(text('one'));
  await watch();
  owner.database.close();
  const future = Date.now() / 1_000 + 3_600;
  utimesSync(owner.path, future, future);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 20);
  await expect.poll(() => ticks >= 25, soon).toBe(true);
  clearInterval(timer);
  expect(reads).toBeLessThan(25);
});
