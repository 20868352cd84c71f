import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { refreshLockNames } from '@authmesh/agent/io/formats/refresh-lock-name';
import type { AgentStep } from '@authmesh/agent/running-agent';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dieAt } from './crash/crash-point.ts';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import { type Owner, owner } from './harness/login.ts';
import type { Outcome } from './harness/program.ts';
import { useStage } from './harness/stage.ts';
import { accessIn, provider, type RefreshScene, renewedOn, startRefreshScene } from './refresh-scene.ts';

const stage = useStage();
let scene: RefreshScene;
let pcA: Host;
let t440: Host;

beforeAll(async () => {
  // Nothing comes due by itself: each test says when.
  scene = await startRefreshScene(stage, { lifeSeconds: 120, names: ['pc-a', 't440'], custody: 'home' });
  [pcA, t440] = scene.hosts as [Host, Host];
}, 90_000);
afterAll(() => scene.stop());

/** A login whose refresh token stands in the stores of its home alone. */
async function atHome(): Promise<{ readonly login: Owner; readonly before: string; readonly refresh: unknown }> {
  const login = owner(provider);
  await scene.signIn(login);
  await t440.accountIs(login, account => account?.copies.length === 2);
  return { login, before: accessIn(pcA, login), refresh: refreshIn(pcA, login) };
}

const refreshIn = (host: Host, login: Owner) => host.store().entry(login.profile)?.refresh;
const counts = (login: Owner) => scene.server.counts(login.account);

/** Waits until the home's store holds the pair that came in place of `refresh`, and the other host's none. */
async function holdsTheNext(login: Owner, refresh: unknown): Promise<void> {
  await until('the home has the next refresh token', () => {
    const next = refreshIn(pcA, login);
    return typeof next === 'string' && next !== refresh;
  });
  expect(refreshIn(t440, login)).toBeUndefined();
}

describe('a login whose refresh token stands at its home', () => {
  it('is refreshed there, and stands there again: nowhere else, and in no store while it is used', async () => {
    const { login, before, refresh } = await atHome();
    const seen: unknown[] = [];
    scene.server.watch((_, subject) => {
      if (subject === login.account) seen.push(refreshIn(pcA, login));
    });
    const { code, document } = await t440.json<{ node: string }>('refresh', login.profile);
    expect([code, document.node]).toEqual([0, 'pc-a']);
    scene.server.watch(undefined);
    await renewedOn(scene.server, scene.hosts, login, before);
    await holdsTheNext(login, refresh);
    expect(new Set(seen)).toEqual(new Set([undefined]));
    expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0, refused: 0 });
    expect(readdirSync(join(pcA.stateDir, 'locks', 'oauth-refresh'))).toEqual([]);
  });

  it('is left to its OpenClaw while that refreshes it, by its own lock', async () => {
    const { login, before, refresh } = await atHome();
    const folder = join(pcA.stateDir, 'locks', 'oauth-refresh');
    mkdirSync(folder, { recursive: true });
    const [newest = ''] = refreshLockNames(provider, login.profile);
    writeFileSync(join(folder, newest), JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }));
    const { code, stderr } = await pcA.agent('refresh', login.profile);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`process ${process.pid} holds the lock`)]);
    expect([refreshIn(pcA, login), accessIn(pcA, login)]).toEqual([refresh, before]);
    expect(counts(login)).toMatchObject({ exchanges: 0 });
    rmSync(join(folder, newest));
    expect((await pcA.agent('refresh', login.profile)).code).toBe(0);
    await renewedOn(scene.server, scene.hosts, login, before);
    expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0 });
  });

  it('is refreshed in every profile of a store that has it, under the locks of all', async () => {
    const { login, refresh } = await atHome();
    const twin = `${login.profile}-two`;
    pcA.store().put(twin, pcA.store().entry(login.profile) ?? {});
    await t440.accountIs(login, account => account?.copies.some(({ profile }) => profile === twin) === true);
    expect((await pcA.agent('refresh', login.profile)).code).toBe(0);
    await holdsTheNext(login, refresh);
    await until('both profiles have it', () => pcA.store().entry(twin)?.refresh === refreshIn(pcA, login));
    expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0 });
  });

  it('is refreshed to the end where its host is told to stop meanwhile', async () => {
    const { login, before, refresh } = await atHome();
    scene.server.behave({ delayMs: 11_000 });
    const stopping = Promise.withResolvers<Outcome>();
    scene.server.watch((stage_, subject) => {
      if (stage_ !== 'received' || subject !== login.account) return;
      pcA.daemon().signal('SIGTERM');
      stopping.resolve(pcA.daemon().ended);
    });
    const command = t440.open('refresh', login.profile);
    expect((await stopping.promise).code).toBe(0);
    scene.server.watch(undefined);
    scene.server.behave({});
    await command.stop();
    await holdsTheNext(login, refresh);
    await pcA.start('--log-level', 'debug');
    await renewedOn(scene.server, scene.hosts, login, before);
    expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0, refused: 0 });
  });

  it('is the fleet’s also where the store vanishes meanwhile, and heals that from whatever backup it comes back', async () => {
    const { login, before, refresh } = await atHome();
    const { path } = pcA.store();
    const backup = readFileSync(path, 'utf8');
    scene.server.watch((stage_, subject) => {
      if (stage_ === 'received' && subject === login.account) rmSync(path);
    });
    await pcA.agent('refresh', login.profile);
    scene.server.watch(undefined);
    await renewedOn(scene.server, [t440], login, before);
    // It has a refresh token in it that is spent by now.
    writeFileSync(path, backup, { mode: 0o600 });
    await renewedOn(scene.server, scene.hosts, login, before);
    await holdsTheNext(login, refresh);
    expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0, refused: 0 });
  });

  it('is put back where the provider cannot be asked', async () => {
    const { login, refresh } = await atHome();
    scene.server.behave({ status: 503 });
    expect((await pcA.agent('refresh', login.profile)).code).toBe(1);
    await until('the home has its refresh token again', () => refreshIn(pcA, login) === refresh);
    scene.server.behave({});
    expect((await pcA.agent('refresh', login.profile)).code).toBe(0);
    await holdsTheNext(login, refresh);
    expect(counts(login)).toMatchObject({ reuses: 0, refused: 0 });
  });
});

describe('a refresher at home that is killed', () => {
  async function refreshAndDie(login: Owner, step: AgentStep): Promise<void> {
    dieAt(dirname(pcA.stateDir), step);
    const command = t440.open('refresh', login.profile);
    expect((await pcA.daemon().ended).signal).toBe('SIGKILL');
    await command.stop();
  }

  it('before it is written down that it is used has it back in the store, and refreshes it', async () => {
    const { login, before, refresh } = await atHome();
    await refreshAndDie(login, 'exchange-lent');
    expect(refreshIn(pcA, login)).toBeUndefined();
    await pcA.start('--log-level', 'debug');
    await until('the home has its refresh token again', () => refreshIn(pcA, login) === refresh);
    expect(counts(login)).toMatchObject({ exchanges: 0 });
    expect((await t440.agent('refresh', login.profile)).code).toBe(0);
    await renewedOn(scene.server, scene.hosts, login, before);
    expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0 });
  });

  it('before the request leaves it out of the store: its OpenClaw cannot use what may be spent', async () => {
    const { login, before } = await atHome();
    await refreshAndDie(login, 'exchange-intended');
    await pcA.start('--log-level', 'debug');
    await t440.accountIs(login, account => account?.state === 'in-doubt');
    expect([refreshIn(pcA, login), accessIn(pcA, login)]).toEqual([undefined, before]);
    expect(counts(login)).toMatchObject({ exchanges: 0, reuses: 0 });
  });

  it.each<AgentStep>(['exchange-kept', 'exchange-stored'])(
    'at "%s" has the new login on its disk: store and fleet get it when the host is back',
    async step => {
      const { login, before, refresh } = await atHome();
      await refreshAndDie(login, step);
      await pcA.start('--log-level', 'debug');
      await renewedOn(scene.server, scene.hosts, login, before);
      await holdsTheNext(login, refresh);
      expect(counts(login)).toMatchObject({ exchanges: 1, reuses: 0, refused: 0 });
    },
  );
});
