import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseStore } from '../e2e/harness/sqlite.ts';
import { type ProfileStore, storeFile } from '../e2e/harness/store-file.ts';
import { hour, shared } from './fixture.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { createHost, type Host, provider as providerId } from './host.ts';
import { removeFolder } from './program.ts';
import { type Login, type Provider, secret, startProvider } from './provider.ts';
import { installRelease } from './release.ts';
import { signedIn } from './store.ts';

/** One account under the names that the two releases have for it. */
const before = { profile: 'openai-codex:default', provider: 'openai-codex' };
const since = { profile: 'openai:default', provider: 'openai' };

/** The oldest and the newest release in one fleet: a file on one host, the shared database on the other. */
describe('OpenClaw 2026.2.12 + 2026.9.6', () => {
  let folder: string;
  let provider: Provider;
  let fleet: Fleet;
  let a: Host;
  let b: Host;
  let storeA: ProfileStore;
  let storeB: ProfileStore;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'authmesh-compat-'));
    provider = await startProvider();
    a = await createHost(folder, 'pc-a', await installRelease('2026.2.12'), provider, ['main']);
    b = await createHost(folder, 't440', await installRelease('2026.9.6'), provider, ['main']);
    storeA = storeFile(a.stateDir, 'main');
    storeB = databaseStore(b.stateDir, '2026.9');
    // The real program makes its database, with its first login.
    const args = ['models', 'auth', 'paste-token', '--provider', 'lab', '--profile-id', 'lab:notes'];
    const pasted = await b.openclaw(args, { input: `${secret('first')}\r` });
    expect(pasted.code, pasted.stderr).toBe(0);
    storeA.put(shared, signedIn(provider.issue(2 * hour), providerId));
    storeA.put(before.profile, signedIn(provider.issue(2 * hour), before.provider));
    storeB.put(shared, signedIn(provider.issue(hour), providerId));
    storeB.put(since.profile, signedIn(provider.issue(hour), since.provider));
    fleet = await startFleet(folder, [a, b]);
  });
  afterAll(async () => {
    await fleet?.stop();
    await provider.close();
    await removeFolder(folder);
  });

  /** The login that was stored on one host stands on the other, in the bearer form, and its OpenClaw says when it ends. */
  async function arrives(login: Login, host: Host, store: ProfileStore, profile: string): Promise<void> {
    const isThere = () => store.entry(profile)?.access === login.access;
    await expect.poll(isThere, { timeout: 40_000, message: `the delivery into ${store.path}` }).toBe(true);
    expect(store.entry(profile)).not.toHaveProperty('refresh');
    const found = (await host.status()).find(({ profileId }) => profileId === profile);
    expect(found).toMatchObject({ status: 'ok', expiresAt: login.expires });
  }

  it.each([
    {
      name: 'one name',
      old: { profile: shared, provider: providerId },
      young: { profile: shared, provider: providerId },
    },
    { name: 'each release’s own name', old: before, young: since },
  ])('a login under $name goes both ways', async ({ old, young }) => {
    for (let time = 1; time <= 2; time++) {
      const there = provider.issue(48 * hour + time);
      storeA.put(old.profile, signedIn(there, old.provider));
      await arrives(there, b, storeB, young.profile);
      const back = provider.issue(72 * hour + time);
      storeB.put(young.profile, signedIn(back, young.provider));
      await arrives(back, a, storeA, old.profile);
      expect(storeB.entry(young.profile)).toMatchObject({ access: back.access, refresh: back.refresh });
    }
    expect(storeA.entry(old.profile)?.provider).toBe(old.provider);
    expect(storeB.entry(young.profile)?.provider).toBe(young.provider);
    expect(provider.exchanges).toEqual([]);
  });
});
