import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireRefreshLocks } from '@authmesh/agent/io/openclaw-refresh-lock';
import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProfileStore } from '../e2e/harness/store-file.ts';
import { hour, notes } from './fixture.ts';
import { createHost, type Host } from './host.ts';
import { type Daemon, removeFolder, start } from './program.ts';
import { type Login, type Provider, secret, startProvider } from './provider.ts';
import { installRelease, releasesFor } from './release.ts';
import { signedIn, stateOf, storeOf } from './store.ts';

/** Whose logins each release's doctor refreshes by itself; that of 2026.4.9 and of 2026.8.2 refreshes neither. */
const providerOf: Readonly<Record<string, string>> = {
  '2026.5.28': 'chutes',
  '2026.7.1': 'chutes',
  '2026.9.6': 'xai',
};
/** OpenClaw looks again after 10 s at most. */
const lookMs = 10_000;

/** The real program refreshes a login that is due while authmesh holds its lock, and the other way round. */
describe.each(releasesFor('short').filter(version => version in providerOf))('OpenClaw %s', version => {
  const fences = version === '2026.9.6';
  let folder: string;
  let provider: Provider;
  let host: Host;
  let store: ProfileStore;
  const stops: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    const release = await installRelease(version);
    folder = await mkdtemp(join(tmpdir(), 'authmesh-compat-'));
    provider = await startProvider();
    stops.push(() => provider.close());
    host = await createHost(folder, 'pc-a', release, provider, ['main']);
    const args = ['models', 'auth', 'paste-token', '--provider', 'lab', '--profile-id', notes, '--expires-in', '30d'];
    const pasted = await host.openclaw(args, { input: `${secret('first')}\r` });
    expect(pasted.code, pasted.stderr).toBe(0);
    store = storeOf(host, version);
  });
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
    await removeFolder(folder);
  });

  const name = providerOf[version] ?? '';
  let profile: ProfileId;
  const lock = (waitMs: number) =>
    acquireRefreshLocks([{ stateDir: host.stateDir, provider: name, profile, stores: [store.path as StoreId] }], {
      waitMs,
    });
  const isWhole = (login: Login) => stateOf(store.entry(profile), login) === 'whole';

  function signIn(id: string): Login {
    profile = `${name}:${id}` as ProfileId;
    const login = provider.issue(-hour);
    store.put(profile, { ...signedIn(login, name), clientId: 'compat' });
    return login;
  }

  function startDoctor(environment: Readonly<Record<string, string | undefined>> = {}): Daemon {
    const args = [host.release.entry, 'doctor', '--fix', '--non-interactive'];
    const doctor = start(process.execPath, args, { ...host.environment, ...environment }, join(folder, 'doctor.log'));
    stops.push(() => doctor.stop());
    return doctor;
  }

  /** How long the doctor takes to spend, or to fence, a login from its start. */
  async function spent(login: Login, timeout: number): Promise<void> {
    const wanted = { timeout, interval: 100, message: 'OpenClaw refreshes the login' };
    await expect.poll(() => isWhole(login), wanted).toBe(false);
  }

  /** A fence whose doctor was ended is waited for by the next one, for two minutes. */
  async function settled(login: Login): Promise<void> {
    const wanted = { timeout: 30_000, message: 'no fence is pending' };
    await expect.poll(() => stateOf(store.entry(profile), login), wanted).not.toBe('pending');
  }

  it('refreshes nothing while authmesh holds the lock, and waits for it', async ({ annotate }) => {
    const before = performance.now();
    const first = signIn('free');
    const free = startDoctor();
    await spent(first, 100_000);
    const usualMs = performance.now() - before;
    await settled(first);
    await free.stop();

    const login = signIn('held');
    const exchanges = provider.exchanges.length;
    const held = await lock(0);
    if (held.state !== 'held') throw new Error(held.reason);
    const waiting = startDoctor();
    const heldMs = 1.5 * usualMs + 5_000;
    await new Promise(resolve => setTimeout(resolve, heldMs));
    expect([isWhole(login), provider.exchanges.length, held.isHeld()]).toEqual([true, exchanges, true]);
    held.release();
    const released = performance.now();
    await spent(login, usualMs + lookMs + 10_000);
    const thenMs = performance.now() - released;
    await settled(login);
    await waiting.stop();
    await annotate(
      `${Math.round(usualMs / 1_000)} s freely; after ${Math.round(heldMs / 1_000)} s held, ${Math.round(thenMs / 100) / 10} s`,
    );
    if (!fences) expect(provider.exchanges.slice(exchanges)).toEqual([{ granted: true }]);
  }, 400_000);

  it('is waited for while it refreshes, and its lock goes when it is killed', async () => {
    const login = signIn('killed');
    const doctor = startDoctor({ COMPAT_ISSUER: undefined, COMPAT_SILENT: '1' });
    const asked = async () => existsSync(host.refusedFile) && (await readFile(host.refusedFile, 'utf8')).includes(name);
    if (fences) {
      // The fence in the place of the tokens says so instead: the lock is free by then.
      await spent(login, 100_000);
      const held = await lock(5_000);
      expect([held.state, stateOf(store.entry(profile), login)]).toEqual(['held', 'pending']);
      if (held.state === 'held') held.release();
      return;
    }
    await expect.poll(asked, { timeout: 100_000, message: 'OpenClaw asks its provider' }).toBe(true);
    expect(await lock(500)).toMatchObject({
      state: 'locked',
      reason: expect.stringContaining(`process ${doctor.pid} holds`),
    });
    process.kill(doctor.pid, 'SIGKILL');
    await doctor.stop();
    const held = await lock(1_000);
    expect(held.state).toBe('held');
    if (held.state === 'held') held.release();
  }, 200_000);
});
