import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseStore } from '../e2e/harness/sqlite.ts';
import { type ProfileStore, storeFile } from '../e2e/harness/store-file.ts';
import { hour, shared } from './fixture.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { createHost, type Host } from './host.ts';
import { type Outcome, removeFolder, run } from './program.ts';
import { type Provider, startProvider } from './provider.ts';
import { installRelease } from './release.ts';
import { signedIn } from './store.ts';

/** A host is upgraded in place by OpenClaw's own doctor, from one way of keeping logins to the next, while its agent runs. */
describe('OpenClaw 2026.5.28 → 2026.7.1 → 2026.9.6', () => {
  let folder: string;
  let provider: Provider;
  let fleet: Fleet;
  let a: Host;
  let b: Host;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'authmesh-compat-'));
    provider = await startProvider();
    const release = await installRelease('2026.5.28');
    a = await createHost(folder, 'pc-a', release, provider, ['main']);
    b = await createHost(folder, 't440', release, provider, ['main']);
    for (const { stateDir } of [a, b]) put(stateDir, 48 * hour);
    fleet = await startFleet(folder, [a, b]);
  });
  afterAll(async () => {
    await fleet?.stop();
    await provider.close();
    await removeFolder(folder);
  });

  function put(stateDir: string, lifeMs: number) {
    const login = provider.issue(lifeMs);
    storeFile(stateDir, 'main').put(shared, signedIn(login));
    return login;
  }

  /** The upgraded host's OpenClaw, in the release that it has by now. */
  async function openclaw(version: string, ...args: string[]): Promise<Outcome> {
    const { entry } = await installRelease(version);
    return run(process.execPath, [entry, ...args], b.environment);
  }

  /** The owner signs in again on the first host: it arrives where the second one keeps its logins now. */
  async function isFollowed(version: string, store: ProfileStore, lifeMs: number): Promise<void> {
    const login = put(a.stateDir, lifeMs);
    const isThere = () => store.entry(shared)?.access === login.access;
    await expect.poll(isThere, { timeout: 40_000, message: `the delivery into ${store.path}` }).toBe(true);
    expect(store.entry(shared)).not.toHaveProperty('refresh');
    const { stdout } = await openclaw(version, 'models', 'status', '--json');
    const { profiles } = JSON.parse(stdout.slice(stdout.indexOf('{'))).auth.oauth;
    expect(profiles).toContainEqual(
      expect.objectContaining({ profileId: shared, status: 'ok', expiresAt: login.expires }),
    );
  }

  it('a file with its statistics beside it', () => isFollowed('2026.5.28', storeFile(b.stateDir, 'main'), 50 * hour));

  it('a database of each agent, after the doctor of 2026.7.1', async () => {
    const doctor = await openclaw('2026.7.1', 'doctor', '--fix', '--non-interactive');
    expect(doctor.code, doctor.stderr).toBe(0);
    await isFollowed('2026.7.1', databaseStore(b.stateDir, '2026.7'), 60 * hour);
  });

  it('a database of all agents, after the doctor of 2026.9.6', async () => {
    // It needs more than one: the first prepares the agents' databases, and gives up where it would read them.
    let doctor: Outcome | undefined;
    for (let pass = 1; doctor?.code !== 0 && pass <= 3; pass++) {
      await forgetTheLastRelease(b);
      doctor = await openclaw('2026.9.6', 'doctor', '--fix', '--non-interactive');
    }
    expect(doctor?.code, doctor?.stderr).toBe(0);
    await isFollowed('2026.9.6', databaseStore(b.stateDir, '2026.9'), 70 * hour);
    expect(existsSync(join(b.agentDir('main'), 'auth-profiles.json'))).toBe(false);
    expect(provider.exchanges).toEqual([]);
  });
});

/** What the newer doctor stumbles over: a mark in the configuration, and files that it cannot move without a native module. */
async function forgetTheLastRelease({ stateDir }: Host): Promise<void> {
  for (const name of ['logs', 'identity', 'devices']) await rm(join(stateDir, name), { recursive: true, force: true });
  const file = join(stateDir, 'openclaw.json');
  const { meta: _, ...configuration } = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify(configuration, null, 2));
}
