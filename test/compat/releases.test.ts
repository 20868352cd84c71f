import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Status } from '@authmesh/agent/io/status-view';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ProfileStore } from '../e2e/harness/store-file.ts';
import { hour, notes, shared, spare } from './fixture.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { createHost, type Gateway, type Host, provider as providerId } from './host.ts';
import { startOpenClaw } from './openclaw.ts';
import { type Daemon, type Outcome, removeFolder } from './program.ts';
import { type Login, type Provider, secret, startProvider } from './provider.ts';
import { installRelease, releases, releasesFor } from './release.ts';
import { playRounds, wordsOf } from './rounds.ts';
import { type Store, signedIn, stateOf, storeOf } from './store.ts';

/** A fence stands for 0.2 s and more. To look without rest would keep OpenClaw from a calm look at its own database. */
const lookMs = 50;
const rounds = Number(process.env.AUTHMESH_COMPAT_ROUNDS ?? 100);
const seed = Number(process.env.AUTHMESH_COMPAT_SEED ?? 1);

/** Two hosts with a real OpenClaw each, wherever it keeps its logins, and a fleet over them. */
describe.each(releasesFor('short'))('OpenClaw %s', version => {
  let folder: string;
  let provider: Provider;
  let a: Host;
  let b: Host;
  let storeA: ProfileStore;
  let storeB: ProfileStore;
  let gateway: Gateway;
  let fleet: Fleet;
  const stops: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    const release = await installRelease(version);
    folder = await mkdtemp(join(tmpdir(), 'authmesh-compat-'));
    provider = await startProvider();
    stops.push(() => provider.close());
    a = await createHost(folder, 'pc-a', release, provider, ['main']);
    b = await createHost(folder, 't440', release, provider, ['main']);
    // The real program makes its own store, with its first login.
    for (const host of [a, b]) await paste(host, secret('first'));
    storeA = storeOf(a, version);
    storeB = storeOf(b, version);
    storeB.put(shared, signedIn(provider.issue(-hour)));
    renew(hour);
    gateway = await b.startGateway();
    stops.push(() => gateway.stop());
    fleet = await startFleet(folder, [a, b]);
    stops.push(() => fleet.stop());
  });
  let keep = process.env.AUTHMESH_COMPAT_KEEP !== undefined;
  afterEach(({ task }) => {
    keep ||= task.result?.state === 'fail';
  });
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
    if (keep) process.stderr.write(`The homes and logs of this run are in ${folder}\n`);
    else await removeFolder(folder);
  });

  /** A login that the host's own OpenClaw stores, by its command line. */
  async function paste(host: Host, token: string): Promise<void> {
    const args = ['models', 'auth', 'paste-token', '--provider', 'lab', '--profile-id', notes, '--expires-in', '30d'];
    // Some releases read the pipe as keys: without Enter they end well, and have stored nothing.
    const outcome = await host.openclaw(args, { input: `${token}\r` });
    if (outcome.code !== 0)
      throw new Error(`paste-token on ${host.name} ended with ${outcome.code}: ${outcome.stderr}`);
  }

  /** The owner signs in again on the first host. */
  function renew(lifeMs: number): Login {
    const login = provider.issue(lifeMs);
    storeA.put(shared, signedIn(login));
    return login;
  }

  async function delivered({ access }: Pick<Login, 'access'>): Promise<void> {
    // A login that was dead comes back in its turn: the last recovery may have to settle first.
    const wanted = { timeout: 40_000, interval: 20, message: `the delivery into ${storeB.path}` };
    await expect.poll(() => storeB.entry(shared)?.access === access, wanted).toBe(true);
  }

  /** The coordinator has taken up what stands in the first host's store. */
  async function isKnown(profile: string): Promise<void> {
    const explained = async () => (await fleet.agent(a, ['explain', profile, '--json'])).code;
    await expect.poll(explained, { timeout: 10_000, message: `${profile} is known` }).toBe(0);
  }

  /** Both hosts have what the login was refreshed into. */
  async function isEverywhere({ access }: Login): Promise<void> {
    const isNext = () => {
      const [here, there] = [storeA, storeB].map(store => store.entry(shared)?.access);
      return here === there && here !== access;
    };
    await expect.poll(isNext, { timeout: 30_000, message: 'both hosts have the next login' }).toBe(true);
  }

  /** How the hosts refresh at the provider of the run. */
  function refreshing(): object {
    const tokenEndpoint = provider.issuerUrl;
    return { refresh: { enabled: true }, providers: { [providerId]: { tokenEndpoint, clientId: 'compat' } } };
  }

  /** The running gateway comes to use a login: at its next turn, a turn later, or once it was told. */
  async function isUsed({ name }: Pick<Login, 'name'>, timeout = 30_000): Promise<void> {
    const wanted = { timeout, interval: 200, message: 'the gateway uses what was delivered' };
    await expect.poll(async () => (await bearersOfTurn()).at(-1), wanted).toBe(name);
  }

  // 2026.9.6 asks for its lease of the database once, and does without its repairs where anybody else is in it at that moment.
  const repair = ['doctor', '--fix', '--non-interactive'];
  const isTurnedAway = (output: string) => output.includes('database is locked');

  async function doctorOf(host: Host): Promise<Outcome> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await host.openclaw(repair);
      if (attempt === 3 || !isTurnedAway(`${outcome.stdout}${outcome.stderr}`)) return outcome;
    }
  }

  /** A doctor that has begun a refresh, which nobody answers. */
  async function doctorInSilence(host: Host, hasBegun: () => boolean): Promise<Daemon> {
    for (let attempt = 1; ; attempt++) {
      const doctor = host.openInSilence(repair);
      stops.push(() => doctor.stop());
      const isOver = () => hasBegun() || !doctor.isRunning();
      await expect.poll(isOver, { timeout: 60_000, interval: 100, message: 'the doctor refreshes' }).toBe(true);
      if (hasBegun()) return doctor;
      if (attempt === 3 || !isTurnedAway(doctor.output()))
        throw new Error(`the doctor on ${host.name} ended without a refresh; it said:\n${doctor.output()}`);
    }
  }

  async function bearersOfTurn(): Promise<readonly string[]> {
    const before = provider.bearers.length;
    await gateway.turn('main');
    return provider.bearers.slice(before);
  }

  it('a dead copy in the real program’s own store is healed when its host joins', async () => {
    // Two agents come back with it: so many wait until the pool has been idle.
    const { access, expires } = storeA.entry(shared) ?? {};
    await expect.poll(() => storeB.entry(shared)?.access === access, { timeout: 40_000 }).toBe(true);
    expect(storeB.entry(shared)).toMatchObject({ type: 'oauth', expires });
    expect(storeB.entry(shared)).not.toHaveProperty('refresh');
  });

  it('a login renewed on one host is seen by models status of the other', async () => {
    const login = renew(48 * hour);
    await delivered(login);
    const found = (await b.status()).find(({ profileId }) => profileId === shared);
    expect(found).toMatchObject({ status: 'ok', expiresAt: login.expires });
  });

  it('a running gateway uses it', async () => {
    for (let time = 0; time < 2; time++) {
      const login = renew(hour);
      await delivered(login);
      await isUsed(login);
      expect(storeB.entry(shared)?.access === login.access).toBe(true);
    }
  });

  it('a dead bearer form is neither refreshed nor fenced, and heals with the next delivery', async () => {
    const dying = renew(2_000);
    await delivered(dying);
    await expect.poll(() => Date.now() > dying.expires, { timeout: 10_000 }).toBe(true);
    const before = storeB.entry(shared);
    // What it had in memory is used until it looks; then it falls back to the key of its configuration, or asks nobody.
    const asked: string[] = [];
    const isWithout = async () => {
      const bearers = (await bearersOfTurn()).filter(bearer => bearer !== 'unknown');
      asked.push(...bearers);
      return bearers.length === 0;
    };
    await expect.poll(isWithout, { timeout: 30_000, message: 'the gateway goes without a login' }).toBe(true);
    expect(asked).not.toContain(dying.name);
    expect([provider.exchanges, storeB.entry(shared)]).toEqual([[], before]);
    const login = renew(hour);
    await delivered(login);
    await isUsed(login);
  });

  it('the cooldown of an authentication failure goes with the healing delivery', async ({ annotate }) => {
    const refused = renew(hour);
    await delivered(refused);
    await isUsed(refused);
    provider.refuse(refused.access, 401);
    expect(await bearersOfTurn()).toContain(refused.name);
    await annotate(
      storeB.state().usageStats?.[shared]?.cooldownUntil === undefined ? 'it left no mark' : 'it was held back',
    );
    const login = renew(hour);
    await delivered(login);
    // 2026.8.2 remembers a cooldown for its 30 s, whatever stands in its database and however often it is told to read that anew.
    await isUsed(login, 45_000);
    expect(storeB.state().usageStats?.[shared]?.cooldownUntil).toBeUndefined();
  });

  const { refreshes } = releases[version] ?? {};
  const orphan = `${refreshes}:orphan`;
  let orphaned: { readonly login: Login; readonly at: number; endedAt?: number };
  if (refreshes !== undefined) {
    it('a refresh that fails leaves a fence, and the login that still lives is put back', async () => {
      const profile = `${refreshes}:default`;
      const login = provider.issue(hour);
      storeA.put(profile, signedIn(login, refreshes));
      await isKnown(profile);
      const states: string[] = [];
      const look = setInterval(() => {
        const state = stateOf(storeA.entry(profile), login);
        if (state !== states.at(-1)) states.push(state);
      }, lookMs);
      // The provider is not to be reached from here.
      const doctor = await doctorOf(a);
      expect(doctor.code, doctor.stderr).toBe(0);
      await expect.poll(() => states.at(-1), { timeout: 35_000 }).toBe('without refresh token');
      clearInterval(look);
      expect(states).toEqual(['whole', 'pending', 'failed', 'without refresh token']);
    });

    it('a refresh whose process dies leaves a fence that is left alone, and the fleet is told what it spends', async () => {
      const login = provider.issue(hour);
      storeA.put(orphan, { ...signedIn(login, refreshes), accountId: 'acct_orphan' });
      await isKnown(orphan);
      const isPending = () => stateOf(storeA.entry(orphan), login) === 'pending';
      const doctor = await doctorInSilence(a, isPending);
      process.kill(doctor.pid, 'SIGKILL');
      orphaned = { login, at: Date.now() };
      const look = setInterval(() => {
        if (!isPending()) orphaned.endedAt ??= Date.now();
      }, 1_000);
      stops.push(async () => clearInterval(look));
      for (const host of [a, b]) {
        const told = async () => {
          const { accounts }: Status = JSON.parse((await fleet.agent(host, ['status', '--json'])).stdout);
          const { state, copies } = accounts.find(({ profiles }) => profiles.includes(orphan)) ?? {};
          return [state, copies?.map(copy => [copy.node, copy.state, copy.reason])];
        };
        const refreshing = ['pc-a', 'waiting', expect.stringContaining('OpenClaw is refreshing the fleet’s login')];
        await expect.poll(told, { timeout: 10_000 }).toEqual(['refreshing', [refreshing]]);
      }
    });
  }

  it(`${rounds} rounds of OpenClaw writing during deliveries lose nothing`, async ({ annotate }) => {
    storeB.put(spare, { type: 'api_key', provider: providerId, key: secret('spare') });
    const openclaw = await startOpenClaw(b);
    stops.push(() => openclaw.stop());
    const readStore = () => ({ ...storeB.read(), ...storeB.state() }) as unknown as Store;
    const tally = await playRounds(
      { openclaw, renew, delivered: access => delivered({ access }), readStore },
      rounds,
      seed,
    );
    await annotate(wordsOf(tally));
    expect(tally.lost).toEqual([]);
  }, 600_000);

  if (refreshes !== undefined) {
    it('the fence whose process died is taken for failed after three minutes', async () => {
      await expect.poll(() => orphaned.endedAt, { timeout: 220_000, interval: 200 }).toBeDefined();
      expect((orphaned.endedAt ?? 0) - orphaned.at).toBeGreaterThan(175_000);
      expect(stateOf(storeA.entry(orphan), orphaned.login)).toBe('without refresh token');
    }, 240_000);
  }

  it('the fleet refreshes it with a refresh token in no store, and the gateway uses what came', async () => {
    // The rounds have set an order, in which this one comes first.
    storeB.remove(spare);
    const login = renew(hour);
    await delivered(login);
    await fleet.configure({ custody: 'auto', ...refreshing() });
    const isHeld = () => [storeA, storeB].some(store => store.entry(shared)?.refresh !== undefined);
    await expect.poll(isHeld, { timeout: 30_000, message: 'a store holds the refresh token' }).toBe(false);
    const before = provider.exchanges.length;
    const { code, stderr } = await fleet.agent(b, ['refresh', shared]);
    expect(code, stderr).toBe(0);
    await isEverywhere(login);
    expect(provider.exchanges.slice(before)).toEqual([{ granted: true }]);
    expect(isHeld()).toBe(false);
    await isUsed({ name: provider.nameOf(storeB.entry(shared)?.access) ?? '' });
  });

  it('the fleet refreshes it in the store of its home, unless its gateway goes by its memory', async () => {
    await fleet.configure({ custody: 'home', ...refreshing() });
    const login = renew(hour);
    await delivered(login);
    const before = provider.exchanges.length;
    const { code, stderr } = await fleet.agent(b, ['refresh', shared]);
    if (releases[version]?.refreshesFromMemory) {
      expect([code, stderr]).toEqual([1, expect.stringContaining('goes on with the refresh token that it once read')]);
      expect([provider.exchanges.length, storeA.entry(shared)?.refresh === login.refresh]).toEqual([before, true]);
      return;
    }
    expect(code, stderr).toBe(0);
    await isEverywhere(login);
    expect(provider.exchanges.slice(before)).toEqual([{ granted: true }]);
    const next = storeA.entry(shared)?.refresh;
    expect([typeof next, next === login.refresh]).toEqual(['string', false]);
    expect(storeB.entry(shared)).not.toHaveProperty('refresh');
    await isUsed({ name: provider.nameOf(storeB.entry(shared)?.access) ?? '' });
  });

  it('the token of its gateway is rotated: it takes the new one, and the old one no more', async () => {
    const name = 'OPENCLAW_GATEWAY_TOKEN';
    const tokenOf = async (host: Host) =>
      JSON.parse(await readFile(join(host.stateDir, 'openclaw.json'), 'utf8')).gateway.auth.token as string;
    const old = await tokenOf(b);
    await fleet.configure({ secrets: [{ name, rotate: { every: '30d' } }] });
    const pushed = async () => (await fleet.agent(b, ['secret', 'push', name])).code;
    await expect.poll(pushed, { timeout: 30_000, message: 'both hosts have the token of the gateway' }).toBe(0);
    const { code, stderr } = await fleet.agent(b, ['secret', 'rotate', name]);
    expect(code, stderr).toBe(0);
    const token = await tokenOf(b);
    expect([token === old, (await tokenOf(a)) === token]).toEqual([false, true]);
    // It takes the change up as it runs, or starts again by itself: then it answers nothing for a moment.
    const taken = async () => [await gateway.accepts(token), await gateway.accepts(old)];
    const message = 'it takes the new one, and the old one no more';
    await expect.poll(taken, { timeout: 60_000, interval: 200, message }).toEqual([true, false]);
  });

  it('no store was made in another form, and nothing left this machine', async () => {
    for (const host of [a, b]) {
      const file = join(host.agentDir('main'), 'auth-profiles.json');
      expect(existsSync(file)).toBe(file === storeOf(host, version).path);
      const refused = existsSync(host.refusedFile) ? await readFile(host.refusedFile, 'utf8') : '';
      expect(refused).not.toMatch(/authmesh/);
    }
    const status = await fleet.agent(b, ['status', '--json']);
    for (const one of provider.secrets()) expect(status.stdout.includes(one)).toBe(false);
  });
});
