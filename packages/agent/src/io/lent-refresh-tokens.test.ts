import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { hour } from '@authmesh/shared/core/time';
import type { Credential } from '@authmesh/shared/protocol/credential';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDeliverer } from './delivery.ts';
import { refreshLockNames } from './formats/refresh-lock-name.ts';
import { createLentRefreshTokens, type Lent, type Loan } from './lent-refresh-tokens.ts';
import type { StateDirectory } from './state-directory.ts';

const fingerprint = (text: string): Fingerprint =>
  createHash('sha256').update(text).digest('hex').slice(0, 32) as Fingerprint;
const secret = (): string => randomBytes(24).toString('base64url');
const profile = 'xai:default' as ProfileId;
const login = (): Credential & { readonly refresh: string } => ({
  kind: 'oauth',
  provider: 'xai',
  access: secret(),
  refresh: secret(),
  expiresAt: Date.now() + hour,
  details: {},
});

let stateDir: string;
let main: StoreId;
let work: StoreId;
let old: Credential & { readonly refresh: string };
let directory: StateDirectory;

beforeEach(async () => {
  stateDir = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-lent-')));
  [main, work] = ['main', 'work'].map(agent => join(stateDir, 'agents', agent, 'agent', 'auth-profiles.json')) as [
    StoreId,
    StoreId,
  ];
  old = login();
  for (const store of [main, work]) await put(store, old);
  directory = {
    stateDir,
    generation: 'json',
    gatewaySees: 'all',
    agents: [
      { id: 'main', store: main, isPresent: true },
      { id: 'work', store: work, isPresent: true },
    ],
    foreign: [],
  };
});

async function put(store: StoreId, { kind: type, provider, access, refresh, expiresAt: expires }: Credential) {
  await mkdir(dirname(store), { recursive: true });
  const profiles = { [profile]: { type, provider, access, refresh, expires } };
  await writeFile(store, JSON.stringify({ version: 1, profiles }), { mode: 0o600 });
}

const stored = async (store: StoreId) => JSON.parse(await readFile(store, 'utf8')).profiles[profile];
const locks = () => readdir(join(stateDir, 'locks', 'oauth-refresh'));

function lend(more: Partial<Loan> = {}, now = Date.now) {
  const deliverer = createDeliverer({ context: () => ({ fingerprint, now: Date.now(), clockOffsetMs: 0 }) });
  const lent = createLentRefreshTokens({
    directoryOf: () => directory,
    deliver: deliverer.deliver,
    now,
    lockWaitMs: 50,
  });
  return lent.lend({
    holders: [main, work].map(store => ({ store, profile })),
    credential: old,
    expected: { access: fingerprint(old.access), refresh: fingerprint(old.refresh) },
    ...more,
  });
}

async function lendAll(now = Date.now): Promise<Lent> {
  const lent = await lend({}, now);
  if ('why' in lent) throw new Error(lent.why);
  return lent;
}

describe('a refresh token that is lent', () => {
  it('is in no store while OpenClaw is kept out, and the next one is in all before it is let in', async () => {
    const lent = await lendAll();
    expect([await stored(main), await stored(work)]).toEqual(
      [old, old].map(({ access, expiresAt }) => ({ type: 'oauth', provider: 'xai', access, expires: expiresAt })),
    );
    expect([(await locks()).toSorted(), lent.isHeld()]).toEqual([refreshLockNames('xai', profile).toSorted(), true]);
    const next = login();
    await lent.giveBack(next);
    expect(await locks()).not.toEqual([]);
    for (const store of [main, work])
      expect(await stored(store)).toMatchObject({ access: next.access, refresh: next.refresh });
    lent.release();
    expect([await locks(), lent.isHeld()]).toEqual([[], false]);
    expect(await readdir(dirname(main))).toEqual(['auth-profiles.json']);
  });

  it('goes back where it was not used, also when its login has ended; the next one waits then', async () => {
    old = { ...old, expiresAt: Date.now() - 1_000 };
    for (const store of [main, work]) await put(store, old);
    const unused = await lendAll();
    await unused.giveBack(old);
    unused.release();
    expect([(await stored(main)).refresh, (await stored(work)).refresh]).toEqual([old.refresh, old.refresh]);
    const used = await lendAll();
    await used.giveBack(login());
    used.release();
    expect(await stored(main)).toMatchObject({ access: old.access });
    expect(await stored(main)).not.toHaveProperty('refresh');
  });

  it('has ended by the fleet’s clock, whatever this host’s says', async () => {
    const used = await lendAll(() => Date.now() + 2 * hour);
    await used.giveBack(login());
    used.release();
    expect(await stored(main)).toMatchObject({ access: old.access });
  });

  it('gives way to the next one also where a gateway wrote it back', async () => {
    const lent = await lendAll();
    await put(work, old);
    const next = login();
    await lent.giveBack(next);
    lent.release();
    expect(await stored(work)).toMatchObject({ access: next.access, refresh: next.refresh });
  });

  it('stays out of a store whose owner signed in meanwhile', async () => {
    const lent = await lendAll();
    const again = login();
    await put(work, again);
    await lent.giveBack(login());
    expect(await stored(work)).toMatchObject({ access: again.access, refresh: again.refresh });
    lent.release();
  });

  it('is nobody’s business where no store holds it', async () => {
    const lent = await lend({ holders: [] });
    expect('why' in lent ? lent.why : lent.isHeld()).toBe(true);
    expect(await readdir(stateDir)).toEqual(['agents']);
  });
});

describe('a refresh token is not lent', () => {
  it('by a store that has changed: OpenClaw may have used it', async () => {
    await put(work, login());
    expect(await lend()).toMatchObject({ why: expect.stringMatching(/stays in .*work.*: it has changed/) });
    expect(await locks()).toEqual([]);
  });

  it('while OpenClaw refreshes it', async () => {
    const [name = ''] = refreshLockNames('xai', profile);
    await mkdir(join(stateDir, 'locks', 'oauth-refresh'), { recursive: true });
    const lock = join(stateDir, 'locks', 'oauth-refresh', name);
    await writeFile(lock, JSON.stringify({ pid: process.ppid, createdAt: new Date().toISOString() }));
    expect(await lend()).toMatchObject({ why: expect.stringContaining(`process ${process.ppid} holds the lock`) });
    expect(await stored(main)).toMatchObject({ refresh: old.refresh });
    expect(await locks()).toEqual([name]);
  });

  it('by a release whose gateway refreshes with what it once read', async () => {
    directory = { ...directory, openclawVersion: '2026.3.13' };
    expect(await lend()).toMatchObject({ why: expect.stringContaining('OpenClaw 2026.3.13') });
    directory = { ...directory, openclawVersion: '2026.4.9' };
    (await lendAll()).release();
  });

  it('by a store that is gone', async () => {
    await rm(dirname(work), { recursive: true });
    expect(await lend()).toMatchObject({ why: expect.stringContaining('stays in') });
  });
});
