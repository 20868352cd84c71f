import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { adoptDocument } from './harness/contract.ts';
import type { Host } from './harness/host.ts';
import { oauth, owner, secret } from './harness/login.ts';
import { renew, share } from './harness/share.ts';
import { ownRefreshing, useStage } from './harness/stage.ts';

const stage = useStage({ agent: ownRefreshing });
let pcA: Host;
let t440: Host;

beforeAll(async () => {
  [pcA, t440] = (await stage.hosts('pc-a', 't440')).hosts;
}, 60_000);

function count(host: Host, text: string): number {
  return host.daemon().stderr().split(text).length - 1;
}

/** Changes `agent.json` of a running agent; resolves when it says that it goes by it, or by the one before. */
async function reload(host: Host, fields: Readonly<Record<string, unknown>>, says: string): Promise<void> {
  const before = count(host, says);
  host.configure(fields);
  host.daemon().signal('SIGHUP');
  await until(`${host.name} says "${says}"`, () => count(host, says) > before);
}

const readAgain = 'the configuration was read again';

describe('SIGHUP', () => {
  it('brings API keys into step, and leaves them out again', async () => {
    const login = owner('openrouter');
    const first = {
      type: 'api_key',
      provider: login.provider,
      key: secret('key'),
      email: `${login.account}@example.test`,
    };
    const old = { ...first, key: secret('key') };
    for (const host of [pcA, t440]) await reload(host, { sync: { apiKeys: true } }, readAgain);
    pcA.store().put(login.profile, first);
    await until('the key is known', async () => (await pcA.status()).accounts.some(({ kind }) => kind === 'api_key'));
    t440.store().put(login.profile, first);
    await until('both have it', async () =>
      (await t440.status()).accounts.some(({ kind, copies }) => kind === 'api_key' && copies.length === 2),
    );
    const renewed = { ...first, key: secret('key') };
    pcA.store().put(login.profile, renewed);
    await t440.store().holds(login.profile, renewed);
    for (const host of [pcA, t440]) await reload(host, { sync: { apiKeys: false } }, readAgain);
    pcA.store().put(login.profile, old);
    await share(owner(), pcA, t440);
    expect(t440.store().entry(login.profile)?.key === renewed.key).toBe(true);
  });

  it('takes a login out of care by a pattern, and back', async () => {
    const login = owner();
    const before = await share(login, pcA, t440);
    await reload(t440, { sync: { profiles: { deny: [login.profile] } } }, readAgain);
    const renewed = await renew(login, pcA);
    await share(owner(), pcA, t440);
    expect(t440.store().entry(login.profile)?.access === before.access).toBe(true);
    await reload(t440, { sync: { profiles: { allow: ['anthropic*', `*/${login.account}`] } } }, readAgain);
    await t440.store().holds(login.profile, renewed);
    await reload(t440, { sync: {} }, readAgain);
  });

  it('lets a host keep the refresh token that its operator wants there, and takes it back', async () => {
    const login = owner();
    const shared = await share(login, pcA, t440);
    await reload(t440, { custody: { [`*/${login.account}`]: 'copy' } }, readAgain);
    await until('t440 has the refresh token', () => t440.store().entry(login.profile)?.refresh === shared.refresh);
    await t440.accountIs(login, account => account?.copies.find(({ node }) => node === 't440')?.custody === 'full');
    const renewed = await renew(login, pcA, t440);
    expect(t440.store().entry(login.profile)?.refresh === renewed.refresh).toBe(true);
    await reload(t440, ownRefreshing, readAgain);
    await until('t440 has none', () => !('refresh' in (t440.store().entry(login.profile) ?? {})));
    expect(pcA.store().entry(login.profile)?.refresh === renewed.refresh).toBe(true);
  });

  it('changes nothing when the file is broken, and names file and field', async () => {
    const login = owner();
    await share(login, pcA, t440);
    const refused = 'the configuration is not valid; the one before stays';
    await reload(t440, { sync: { profiles: { deny: 'all' } } }, refused);
    const line = t440
      .daemon()
      .stderr()
      .split('\n')
      .findLast(text => text.includes(refused));
    expect(line).toMatch(/agent\.json.*sync\.profiles\.deny/);
    writeFileSync(join(t440.home, 'agent.json'), '{ half');
    const before = count(t440, refused);
    t440.daemon().signal('SIGHUP');
    await until('it says so of half a file', () => count(t440, refused) > before);
    await renew(login, pcA, t440);
    writeFileSync(join(t440.home, 'agent.json'), JSON.stringify({ openclaw: { stateDirs: [t440.stateDir] } }));
  });
});

describe('a host that lacks logins', () => {
  it('takes them over one by one, all at once, into the agent that is named, or as they come', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a', 'mac');
    const [first, mac] = hosts;
    const [one, two, three] = [owner(), owner(), owner('google-gemini-cli')];
    for (const login of [one, two, three]) await share(login, first);
    // Only a release that is known to read JSON stores gets a new one.
    const refused = await mac.agent('adopt', one.profile);
    expect([refused.code, mac.store().exists()]).toEqual([1, false]);
    expect((await mac.agent('status')).stdout).toMatch(/cannot be adopted: .* log in there once with OpenClaw itself/);
    expect((await mac.agent('doctor')).stdout).not.toContain('adopt --all');
    writeFileSync(join(mac.stateDir, 'openclaw.json'), JSON.stringify({ meta: { lastTouchedVersion: '2026.4.9' } }));
    await mac.daemon().stop();
    await mac.start();
    await until('mac lacks three', async () => (await mac.status()).lacks.length === 3);
    expect((await mac.agent('status')).stdout).toContain('`authmesh-agent adopt --all` puts them here');

    const adopted = await mac.json('adopt', one.profile);
    expect([adopted.code, adoptDocument.parse(adopted.document)]).toEqual([
      0,
      { adopted: [one.profile], problems: [] },
    ]);
    await mac.store().holds(one.profile, first.store().entry(one.profile) ?? {});
    expect(mac.store().entry(one.profile)).not.toHaveProperty('refresh');
    const unknown = await mac.json('adopt', 'nobody:nothing');
    expect([unknown.code, adoptDocument.parse(unknown.document).problems]).toMatchObject([
      1,
      [{ login: 'nobody:nothing' }],
    ]);
    const rest = adoptDocument.parse((await mac.json('adopt', '--all')).document);
    expect(rest.adopted.toSorted()).toEqual([two.profile, three.profile].toSorted());
    expect(mac.store().entry(three.profile)).toEqual(first.store().entry(three.profile));

    mac.store('work').write('{"version":1,"profiles":{}}');
    await until('the new agent is seen', async () => (await mac.status()).stores.length === 2);
    expect((await mac.agent('adopt', '--all', '--agent', 'work')).code).toBe(0);
    expect(Object.keys(mac.store('work').read().profiles).toSorted()).toEqual(
      [one, two, three].map(({ profile }) => profile).toSorted(),
    );
    expect((await mac.agent('adopt', '--all', '--agent', 'nobody')).code).toBe(1);

    await reload(mac, { sync: { create: ['google*'] } }, readAgain);
    const [wanted, unwanted] = [owner('google-gemini-cli'), owner()];
    const created = oauth(wanted);
    first.store().put(unwanted.profile, oauth(unwanted));
    first.store().put(wanted.profile, created);
    await mac.store().holds(wanted.profile, created);
    // Before it is read back, its absence is a write that has not ended, and no deletion.
    await until(
      'it is there for good',
      async () => (await mac.account(wanted))?.copies.some(copy => copy.node === 'mac') === true,
    );
    mac.store().remove(wanted.profile);
    await until('its deletion is seen', async () =>
      (await mac.status()).lacks.some(({ profile }) => profile === wanted.profile),
    );
    const renewed = await renew(wanted, first);
    await renew(one, first, mac);
    expect([mac.store().entry(wanted.profile), mac.store().entry(unwanted.profile)]).toEqual([undefined, undefined]);
    expect(first.store().entry(wanted.profile)).toEqual(renewed);
    expect(fleet.coordinator.daemon().isRunning()).toBe(true);
  });
});
