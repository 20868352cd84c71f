import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { statusDocument } from './harness/contract.ts';
import type { Host } from './harness/host.ts';
import { owner } from './harness/login.ts';
import { useStage } from './harness/stage.ts';
import {
  accessIn,
  entryOf,
  holdsBytes,
  provider,
  type RefreshScene,
  renewedOn,
  startRefreshScene,
} from './refresh-scene.ts';

const stage = useStage();
let scene: RefreshScene;
let pcA: Host;
let t440: Host;
let mac: Host;

beforeAll(async () => {
  scene = await startRefreshScene(stage, { lifeSeconds: 8, names: ['pc-a', 't440', 'mac'] });
  [pcA, t440, mac] = scene.hosts as [Host, Host, Host];
}, 90_000);
afterAll(() => scene.stop());

describe('a login of a fleet that refreshes', () => {
  it('is renewed before it ends, on every host, and no store holds a refresh token', async () => {
    const login = owner(provider);
    await scene.signIn(login);
    const first = String(pcA.store().entry(login.profile)?.refresh);
    await until('the refresh token has left the store', () => pcA.store().entry(login.profile)?.refresh === undefined);
    for (let round = 0; round < 2; round++) {
      const before = accessIn(pcA, login);
      await renewedOn(scene.server, scene.hosts, login, before);
      // Before it ended: whoever used the old one to the last was never refused.
      expect(scene.server.isAccessGood(before)).toBe(true);
    }
    for (const host of scene.hosts) {
      expect(host.store().entry(login.profile)).not.toHaveProperty('refresh');
      expect(holdsBytes(host, first)).toBe(false);
    }
    const { reuses, exchanges, refused } = scene.server.counts(login.account);
    expect([reuses, refused, exchanges >= 2]).toEqual([0, 0, true]);
    const status = statusDocument.parse((await t440.json('status')).document);
    const account = status.accounts.find(one => one.account.endsWith(login.account));
    expect(account).toMatchObject({ home: 'pc-a', copies: [{}, {}, {}] });
    expect(account?.copies.map(({ custody }) => custody)).toEqual(['bearer', 'bearer', 'bearer']);
  });

  it('is taken over from the host on which somebody signed in anew', async () => {
    const login = owner(provider);
    await scene.signIn(login);
    await until('the refresh token has left the store', () => pcA.store().entry(login.profile)?.refresh === undefined);
    const anew = await entryOf(scene.server, login);
    t440.store().put(login.profile, anew);
    await pcA.store().holds(login.profile, anew);
    await until('the refresh token has left the store', () => t440.store().entry(login.profile)?.refresh === undefined);
    await renewedOn(scene.server, scene.hosts, login, String(anew.access));
    expect(scene.server.counts(login.account)).toMatchObject({ reuses: 0, refused: 0 });
  });

  it('is refreshed at once where an operator asks for it', async () => {
    const login = owner(provider);
    await scene.signIn(login);
    await until('the refresh token has left the store', () => pcA.store().entry(login.profile)?.refresh === undefined);
    const before = accessIn(pcA, login);
    const { code, document } = await mac.json<{ revision: number; node: string }>('refresh', login.profile);
    expect([code, document]).toEqual([0, { ...document, account: `${provider}/${login.account}`, node: 'pc-a' }]);
    await renewedOn(scene.server, scene.hosts, login, before);
    expect(scene.server.counts(login.account)).toMatchObject({ reuses: 0, exchanges: 1 });
  });
});

describe('a login that two hosts have under two names, of which nothing says whose it is', () => {
  it('is refreshed under one of them: its refresh token is used once', async () => {
    const [login, other] = [owner(provider), owner(provider)];
    const { accountId: _, ...entry } = await entryOf(scene.server, login);
    pcA.store().put(login.profile, entry);
    t440.store().put(other.profile, entry);
    for (const [host, { profile }] of [
      [pcA, login],
      [t440, other],
    ] as const)
      await until(`${profile} has left its store`, () => host.store().entry(profile)?.refresh === undefined);
    const isRenewed = (host: Host, { profile }: typeof login) => host.store().entry(profile)?.access !== entry.access;
    await until('one of them is renewed', () => isRenewed(pcA, login) || isRenewed(t440, other));
    const left = isRenewed(pcA, login) ? other : login;
    const { code, stderr } = await mac.agent('refresh', left.profile);
    expect([code, stderr]).toEqual([1, expect.stringContaining('it is one login with')]);
    await until('it has ended', () => !scene.server.isAccessGood(String(entry.access)));
    expect(scene.server.counts(login.account)).toMatchObject({ reuses: 0, refused: 0 });
  });
});

describe('a login that the provider takes no more', () => {
  it('needs a sign-in: that is said on every host, with the command, and a sign-in ends it', async () => {
    const login = owner(provider);
    await scene.signIn(login);
    await until('the refresh token has left the store', () => pcA.store().entry(login.profile)?.refresh === undefined);
    await scene.server.revoke(login.account);
    const { code, stderr } = await mac.agent('refresh', login.profile);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/needs-login.*invalid_grant/s)]);
    await t440.accountIs(login, account => account?.state === 'needs-login');
    const { stdout: said } = await t440.agent('status');
    expect(said).toContain(`sign in again on pc-a: \`authmesh-agent login ${login.profile}\``);
    const again = await entryOf(scene.server, login);
    mac.store().put(login.profile, again);
    await pcA.store().holds(login.profile, again);
    await t440.accountIs(login, account => account?.state !== 'needs-login');
    expect(scene.server.counts(login.account)).toMatchObject({ reuses: 0, refused: 1 });
  });
});

describe('a sign-in by the tool’s own command', () => {
  it('is the fleet’s login when the command has ended, and its exit status comes through', async () => {
    const login = owner(provider);
    await scene.signIn(login);
    const written = join(t440.home, 'signed-in.json');
    const file = { ...t440.store().read(), profiles: { [login.profile]: await entryOf(scene.server, login) } };
    writeFileSync(written, JSON.stringify(file));
    const script = `cp ${written} ${t440.store().path}`;
    const { code, stdout } = await t440.agent('login', '--json', login.profile, '--', 'sh', '-c', script);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { account: `${provider}/${login.account}` }]);
    await pcA.store().holds(login.profile, file.profiles[login.profile] ?? {});
    expect((await t440.agent('login', login.profile, '--', 'sh', '-c', 'exit 3')).code).toBe(3);
    expect((await t440.agent('login', login.profile, '--', '/no/such/command')).code).toBe(127);
  });

  it('is the fleet’s login where nothing else says which of the two is newer: somebody has just signed in', async () => {
    const login = owner(provider);
    pcA.store().put(login.profile, await entryOf(scene.server, login));
    await pcA.accountIs(login, account => account?.revision != null);
    const written = join(t440.home, 'beside.json');
    const next = await entryOf(scene.server, login);
    writeFileSync(written, JSON.stringify({ ...t440.store().read(), profiles: { [login.profile]: next } }));
    const script = `cp ${written} ${t440.store().path}`;
    const { code, stdout } = await t440.agent('login', '--json', login.profile, '--', 'sh', '-c', script);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { account: `${provider}/${login.account}` }]);
    await pcA.store().holds(login.profile, next);
    expect(scene.server.counts(login.account)).toMatchObject({ reuses: 0 });
  });
});

describe('a provider that cannot do it now', () => {
  it('is asked again later, and the login goes on as long as it lives', async () => {
    const login = owner(provider);
    await scene.signIn(login);
    await until('the refresh token has left the store', () => pcA.store().entry(login.profile)?.refresh === undefined);
    scene.server.behave({ status: 503 });
    const { code, stderr } = await mac.agent('refresh', login.profile);
    scene.server.behave({});
    expect([code, stderr]).toEqual([1, expect.stringMatching(/postponed.*503/s)]);
    // What was put off comes 15 to 19 s later.
    await renewedOn(scene.server, scene.hosts, login, accessIn(pcA, login), 30_000);
    expect(scene.server.counts(login.account)).toMatchObject({ reuses: 0, refused: 0 });
  });
});

describe('a host without the rest of the fleet', () => {
  it('loses nothing when everything is stopped until the login has ended: it heals on the return', async () => {
    const login = owner(provider);
    await scene.signIn(login);
    await until('the refresh token has left the store', () => pcA.store().entry(login.profile)?.refresh === undefined);
    await Promise.all(scene.hosts.map(host => host.stop()));
    await scene.fleet.coordinator.stop();
    const before = accessIn(pcA, login);
    await until('the login has ended', () => !scene.server.isAccessGood(before));
    await scene.fleet.coordinator.start('--log-level', 'debug');
    for (const host of scene.hosts) await host.start('--log-level', 'debug');
    await renewedOn(scene.server, scene.hosts, login, before);
    expect(scene.server.counts(login.account)).toMatchObject({ reuses: 0, refused: 0 });
  });
});
