import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireRefreshLocks } from '@authmesh/agent/io/openclaw-refresh-lock';
import type { ProfileId } from '@authmesh/shared/core/identifiers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../e2e/harness/condition.ts';
import { doctorDocument } from '../e2e/harness/contract.ts';
import type { Host } from '../e2e/harness/host.ts';
import { oauth, owner } from '../e2e/harness/login.ts';
import { share } from '../e2e/harness/share.ts';
import { databaseStore } from '../e2e/harness/sqlite.ts';
import { type Fleet, useStage } from '../e2e/harness/stage.ts';
import type { ProfileStore } from '../e2e/harness/store-file.ts';
import { fillDisk, type Mounted, mountDisk, mountWithoutSharedMemory } from './mount.ts';

const stage = useStage();
/** What the running test started: nothing may go on using what is unmounted. */
const running: Host[] = [];
const mounts: Mounted[] = [];
let fleet: Fleet;
let pcA: Host;

beforeAll(async () => {
  const started = await stage.hosts('pc-a');
  fleet = started.fleet;
  [pcA] = started.hosts;
});
afterEach(async () => {
  for (const host of running.splice(0)) await host.stop();
  for (const mount of mounts.splice(0)) mount.unmount();
});

async function bring(host: Host): Promise<void> {
  running.push(host);
  await fleet.join(host);
  await host.start();
  await host.online();
}

/** Waits until `doctor` has a finding about the store that says so. */
async function finds(host: Host, pattern: RegExp): Promise<void> {
  await until(`${host.name} has a finding like ${pattern}`, async () => {
    const { document } = await host.json('doctor');
    return doctorDocument.parse(document).findings.some(({ found }) => pattern.test(found));
  });
}

const databaseOf = (host: Host): ProfileStore => databaseStore(host.stateDir, '2026.9');
const fileOf = (host: Host): ProfileStore => host.store();

it('the lock of a refresh on a full or read-only disk is a reason, and goes when there is a way', async () => {
  const stateDir = join(fleet.folder, 'locks-only');
  const disk = mountDisk(stateDir, '1m');
  mounts.push(disk);
  const login = { stateDir, provider: 'xai', profile: 'xai:default' as ProfileId, stores: [] };
  const held = await acquireRefreshLocks([login]);
  if (held.state !== 'held') throw new Error(held.reason);
  disk.remount('ro');
  held.release();
  const other = { ...login, profile: 'xai:other' as ProfileId };
  expect(await acquireRefreshLocks([other])).toMatchObject({ state: 'failed', reason: expect.stringMatching(/EROFS/) });
  disk.remount('rw');
  const locks = join(stateDir, 'locks', 'oauth-refresh');
  await until('the lock is gone', () => readdirSync(locks).length === 0);
  fillDisk(stateDir);
  expect(await acquireRefreshLocks([login])).toMatchObject({
    state: 'failed',
    reason: expect.stringMatching(/ENOSPC/),
  });
  expect(readdirSync(locks)).toEqual([]);
});

describe.each([
  ['a database', databaseOf],
  ['a file', fileOf],
])('the disk under %s', (kind, storeOf) => {
  it(`is full: ${kind} keeps its login and gets the new one when there is room`, async () => {
    const login = owner();
    const first = await share(login, pcA);
    const host = fleet.host(`tight-${kind.slice(2)}`);
    mounts.push(mountDisk(host.stateDir, '1m'));
    const store = storeOf(host);
    store.put(login.profile, first);
    await bring(host);
    const free = fillDisk(host.stateDir);
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await finds(host, /the disk .*is full/);
    expect(store.entry(login.profile)).toMatchObject({ access: first.access });
    free();
    await store.holds(login.profile, renewed);
  });

  it(`is read-only for a while: ${kind} is told of, and healed`, async () => {
    const login = owner();
    const first = await share(login, pcA);
    const host = fleet.host(`kept-${kind.slice(2)}`);
    const disk = mountDisk(host.stateDir, '2m');
    mounts.push(disk);
    const store = storeOf(host);
    store.put(login.profile, first);
    await bring(host);
    disk.remount('ro');
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await finds(host, /read-only/);
    disk.remount('rw');
    await store.holds(login.profile, renewed);
  });
});

describe('a file system without shared memory', () => {
  it('cannot have a write-ahead log on it: said in words, and nothing written', async () => {
    const login = owner();
    const first = await share(login, pcA);
    const host = fleet.host('moved');
    const source = join(fleet.folder, 'moved-source');
    const store = databaseStore(source, '2026.9');
    store.put(login.profile, first);
    mounts.push(mountWithoutSharedMemory(source, host.stateDir));
    await bring(host);
    await finds(host, /openclaw\.sqlite.*its file system cannot keep a write-ahead log/s);
    const bytes = readFileSync(store.path, 'base64');
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await pcA.accountIs(login, account => account?.revision === 2);
    expect(readFileSync(store.path, 'base64') === bytes).toBe(true);
  });

  it('has its database without such a log, as OpenClaw makes it there: in step in both directions', async () => {
    const login = owner();
    const first = await share(login, pcA);
    const host = fleet.host('network');
    const source = join(fleet.folder, 'network-source');
    mkdirSync(source, { recursive: true });
    databaseStore(source, '2026.9').put(login.profile, first);
    databaseStore(source, '2026.9').sql('PRAGMA journal_mode = delete');
    mounts.push(mountWithoutSharedMemory(source, host.stateDir));
    await bring(host);
    const store = databaseOf(host);
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await store.holds(login.profile, renewed);
    const own = oauth(login);
    store.put(login.profile, own);
    await pcA.store().holds(login.profile, own);
  });
});
