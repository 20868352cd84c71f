import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AgentStep } from '@authmesh/agent/running-agent';
import { describe, expect, it } from 'vitest';
import { refreshAt } from '../oauth/client.ts';
import { type Crash, crashFile } from './crash/crash-point.ts';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import { leaveDocument } from './harness/leave-document.ts';
import { type Owner, oauth, owner } from './harness/login.ts';
import { need, useStage } from './harness/stage.ts';
import { accessIn, provider, type RefreshScene, renewedOn, startRefreshScene } from './refresh-scene.ts';

const stage = useStage();
/** Long enough that nothing comes due by itself. */
const calm = 300;

/** A fleet with a login that is in no store: only in vaults. */
async function vaulted(
  names: readonly string[],
  lifeSeconds = calm,
): Promise<{ scene: RefreshScene; login: Owner; host: Host }> {
  const scene = await startRefreshScene(stage, { lifeSeconds, names });
  const [host] = scene.hosts;
  if (!host) throw new Error('there is no host');
  const login = owner(provider);
  await scene.signIn(login);
  await untilBearer(host, login);
  return { scene, login, host };
}

const untilBearer = (host: Host, login: Owner) =>
  until('the refresh token has left the store', () => refreshIn(host, login) === undefined);
const refreshIn = (host: Host, login: Owner, agent = 'main') => host.store(agent).entry(login.profile)?.refresh;

/** Adds a second agent of the host, which uses the login as well. */
async function addAgent(host: Host, login: Owner): Promise<void> {
  const before = host.store().entry(login.profile) ?? {};
  host.store('work').put(login.profile, before);
  await host.accountIs(login, account => account?.copies.filter(({ state }) => state === 'current').length === 2);
}

/** Exactly one store has the refresh token, and it works: once, for OpenClaw alone. */
async function isBackInOneStore({ server }: RefreshScene, host: Host, login: Owner): Promise<void> {
  const tokens = ['main', 'work'].map(agent => refreshIn(host, login, agent));
  expect(tokens).toEqual([expect.any(String), undefined]);
  expect(await refreshAt(server, String(tokens[0]))).toMatchObject({ status: 200 });
  expect(server.counts(login.account)).toMatchObject({ reuses: 0, refused: 0 });
}

function dieAt(host: Host, step: AgentStep): void {
  writeFileSync(join(dirname(host.stateDir), crashFile), JSON.stringify({ step } satisfies Crash));
}

/** What a home keeps, but for the traces of a process that was killed. */
const homeOf = ({ home }: Host) => readdirSync(home).filter(name => !['control.sock', 'daemon.lock'].includes(name));

describe('the last host that leaves', () => {
  it('gets the pair of a login back into one store, after it was asked, and is a host of no fleet', async () => {
    const { scene, login, host } = await vaulted(['pc-a']);
    await addAgent(host, login);
    const { coordinator } = scene.fleet;
    await coordinator.stop();
    const before = [host.store().bytes(), readFileSync(join(host.home, 'identity.json'))];
    const away = await host.agent('leave', '--yes');
    expect([away.code, away.stderr]).toEqual([69, expect.stringMatching(/has not left its fleet.*cannot be reached/)]);
    expect([host.store().bytes(), readFileSync(join(host.home, 'identity.json'))]).toEqual(before);
    await coordinator.start('--log-level', 'debug');

    const unasked = await host.agent('leave');
    expect([unasked.code, unasked.stderr]).toEqual([64, expect.stringMatching(/no terminal to ask on: say --yes/)]);
    expect(refreshIn(host, login)).toBeUndefined();

    const { code, document } = await host.json('leave', '--yes');
    const restored = [{ account: `${provider}/${login.account}`, profile: login.profile, store: host.store().path }];
    const result = { wasMember: true, remaining: 0, restored };
    expect([code, leaveDocument.parse(document)]).toEqual([0, expect.objectContaining(result)]);
    const ended = await host.daemon().ended;
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringMatching(/this host has left its fleet/)]);
    expect(homeOf(host)).toEqual(['agent.json']);
    await isBackInOneStore(scene, host, login);
    const run = await host.agent('run');
    expect([run.code, run.stderr]).toEqual([
      78,
      expect.stringMatching(/not a member of a fleet: run `authmesh-agent join/),
    ]);
    const founding = await coordinator.command('code');
    expect([founding.code, founding.stderr]).toEqual([77, expect.stringMatching(/every host has left/)]);
    await scene.stop();
  });

  it('that is killed when the pair is back loses nothing: leaving again ends it, without a daemon', async () => {
    const { scene, login, host } = await vaulted(['pc-a']);
    await addAgent(host, login);
    dieAt(host, 'unlocked');
    expect((await host.agent('leave', '--yes')).code).toBe(69);
    expect((await host.daemon().ended).signal).toBe('SIGKILL');
    expect(refreshIn(host, login)).toEqual(expect.any(String));
    const { code, document } = await host.json('leave');
    expect([code, leaveDocument.parse(document)]).toMatchObject([0, { wasMember: true, restored: [] }]);
    expect(homeOf(host)).toEqual(['agent.json']);
    await isBackInOneStore(scene, host, login);
    await scene.stop();
  });

  it('refuses to lose a login that no store of it has; killed when it has left, its home is cleared all the same', async () => {
    const { scene, login, host } = await vaulted(['pc-a']);
    host.store().remove(login.profile);
    await host.accountIs(login, account => account?.copies.length === 0);
    const refused = await host.agent('leave', '--yes');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/would be lost.*adopt.*--drop/s)]);
    dieAt(host, 'membership-ended');
    const { code, document } = await host.json('leave', '--yes', '--drop', login.profile);
    expect([code, leaveDocument.parse(document).dropped]).toMatchObject([0, [{ profile: login.profile }]]);
    expect([(await host.daemon().ended).signal, homeOf(host)]).toEqual(['SIGKILL', ['agent.json']]);
    await scene.stop();
  });
});

describe('one of two hosts that leaves', () => {
  it('leaves the refreshing to the other: its own stores have what can be used, not spent', async () => {
    const { scene, login, host } = await vaulted(['pc-a', 't440'], 8);
    const [, t440] = scene.hosts as [Host, Host];
    await t440.accountIs(login, account => account?.copies.some(({ node }) => node === 't440') === true);
    const { code, document } = await host.json('leave');
    const account = `${provider}/${login.account}`;
    const kept = { account, profile: login.profile, endsAt: expect.any(String) };
    expect([code, leaveDocument.parse(document)]).toMatchObject([
      0,
      { remaining: 1, restored: [], keptByFleet: [kept] },
    ]);
    expect(await host.daemon().ended).toMatchObject({ code: 0 });
    await renewedOn(scene.server, [t440], login, accessIn(t440, login));
    expect(scene.server.counts(login.account)).toMatchObject({ reuses: 0, refused: 0 });
    expect(refreshIn(host, login)).toBeUndefined();
    const { document: nodes } = await t440.json<{ name: string }[]>('nodes');
    expect(nodes.map(({ name }) => name)).toEqual(['t440']);
    await scene.stop();
  });

  it('takes along what its OpenClaw refreshes, after it was asked: the others hear that they need a sign-in', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a', 't440');
    const [pcA, t440] = hosts;
    // Of a provider at which authmesh cannot refresh.
    const login = owner('lab');
    const pair = oauth(login);
    t440.store().put(login.profile, oauth(login, -1_000));
    pcA.store().put(login.profile, pair);
    await t440.store().holds(login.profile, pair);
    const unasked = await pcA.agent('leave');
    expect([unasked.code, unasked.stderr]).toEqual([64, expect.stringMatching(/authmesh-agent home .* NODE/)]);
    const before = pcA.store().bytes();
    const { code, document } = await pcA.json('leave', '--yes');
    expect([code, leaveDocument.parse(document).keptHere]).toMatchObject([0, [{ profile: login.profile }]]);
    expect(pcA.store().bytes()).toEqual(before);
    await t440.accountIs(login, account => account?.state === 'needs-login');
    expect(refreshIn(t440, login)).toBeUndefined();
    await fleet.stop();
  });
});

describe('a host that the fleet does not know any more', () => {
  it('clears its home, and says so; where its vault holds logins it is asked first', async () => {
    const { scene, login, host } = await vaulted(['pc-a']);
    const { coordinator } = scene.fleet;
    const backup = join(scene.fleet.folder, 'backup.sqlite');
    need(await coordinator.command('backup', backup), 'the backup');
    const t440 = await scene.addHost('t440');
    t440.store().put(login.profile, host.store().entry(login.profile) ?? {});
    await t440.accountIs(
      login,
      account => account?.copies.some(({ node, state }) => node === 't440' && state === 'current') === true,
    );
    await coordinator.stop();
    const database = join(coordinator.dataDir, 'authmesh.sqlite');
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${database}${suffix}`, { force: true });
    copyFileSync(backup, database);
    await coordinator.start('--log-level', 'debug');
    const unasked = await t440.agent('leave');
    expect([unasked.code, unasked.stderr]).toEqual([
      64,
      expect.stringMatching(/does not know this host any more.*--yes/s),
    ]);
    const { code, document } = await t440.json('leave', '--yes');
    expect([code, leaveDocument.parse(document)]).toMatchObject([
      0,
      { wasMember: false, remaining: null, restored: [] },
    ]);
    expect(homeOf(t440)).toEqual(['agent.json']);
    expect(refreshIn(t440, login)).toBeUndefined();
    await scene.stop();
  });
});

describe('`service uninstall`', () => {
  it('asks where logins need the agent, and puts back what nobody else refreshes', async () => {
    const { scene, login, host } = await vaulted(['pc-a']);
    const unit = join(dirname(host.stateDir), '.config/systemd/user/authmesh-agent.service');
    await host.agent('service', 'install');
    expect(existsSync(unit)).toBe(true);
    const unasked = await host.agent('service', 'uninstall');
    expect([unasked.code, unasked.stderr, existsSync(unit)]).toEqual([
      64,
      expect.stringMatching(/the service stays/),
      true,
    ]);
    const { code, document } = await host.json<object>('service', 'uninstall', '--yes');
    expect([code, document]).toMatchObject([
      0,
      { status: { installed: false }, restored: [{ profile: login.profile }] },
    ]);
    expect(refreshIn(host, login)).toEqual(expect.any(String));
    // Nothing needs the agent any more: no question.
    await host.agent('service', 'install');
    expect((await host.agent('service', 'uninstall')).code).toBe(0);
    expect(existsSync(unit)).toBe(false);
    await scene.stop();
  });
});
