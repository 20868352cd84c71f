import { lstatSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { doctorDocument, explainDocument, statusDocument } from './harness/contract.ts';
import type { Host } from './harness/host.ts';
import { hour, oauth, owner, secret } from './harness/login.ts';
import { renew, share } from './harness/share.ts';
import { type Fleet, useStage } from './harness/stage.ts';
import { type StoreFile, storeFile } from './harness/store-file.ts';

const stage = useStage();
let fleet: Fleet;
let pcA: Host;
let t440: Host;

beforeAll(async () => {
  const started = await stage.hosts('pc-a', 't440');
  fleet = started.fleet;
  [pcA, t440] = started.hosts;
}, 60_000);

const whole = () => JSON.stringify({ version: 1, profiles: { 'xai:broken': oauth(owner('xai')) } });

/** Stores that nobody can use, by what is wrong with them; each is made in the place of an agent's own. */
const broken: Readonly<Record<string, (store: StoreFile) => void>> = {
  halved: store => store.write(whole().slice(0, -9)),
  empty: store => store.write(''),
  binary: store => store.write(Buffer.from([0xff, 0xfe, 0, 1, 2, 0xc3, 0x28])),
  huge: store => store.write(`{"version":1,"profiles":{},"filling":"${'x'.repeat(8 * 1024 * 1024)}"}`),
  nested: store => store.write('['.repeat(100_000) + ']'.repeat(100_000)),
  future: store => store.write(whole().replace('"version":1', '"version":2')),
  twice: store => store.write(whole().replace('"version":1,', '"version":1,"profiles":{},')),
  list: store => store.write('[]'),
  folder: store => mkdirSync(store.path),
  loop: store => symlinkSync(store.path, store.path),
};

/** What is at a path, as far as it can be read. */
function contents(path: string): string {
  const stats = lstatSync(path);
  return stats.isFile() ? readFileSync(path, 'base64') : `${stats.mode} ${stats.mtimeMs}`;
}

describe('a broken store', () => {
  it('is named and left as it is, while everything else goes on; repaired, it is used again', async () => {
    const mac = fleet.host('mac');
    await fleet.join(mac);
    const before = new Map<string, string>();
    for (const [agent, make] of Object.entries(broken)) {
      const store = mac.store(agent);
      mkdirSync(dirname(store.path), { recursive: true });
      make(store);
      before.set(store.path, contents(store.path));
    }
    await mac.start();
    const login = owner();
    await share(login, pcA, mac);
    await until('every broken store is set aside', async () => {
      const { stores } = await mac.status();
      return stores.filter(({ state }) => state === 'quarantined').length === before.size;
    });
    await renew(login, pcA, mac);

    const { code, document } = await mac.json('status');
    expect(code).toBe(1);
    const aside = statusDocument.parse(document).stores.filter(({ state }) => state === 'quarantined');
    expect(aside.map(({ store }) => store).toSorted()).toEqual([...before.keys()].toSorted());
    expect(aside.every(({ reason }) => reason !== undefined && reason.length > 10)).toBe(true);
    const doctor = doctorDocument.parse((await mac.json('doctor')).document);
    const named = doctor.findings.filter(({ name, state }) => name === 'store' && state === 'problem');
    for (const path of before.keys()) expect(named.some(({ found }) => found.includes(path))).toBe(true);
    expect(mac.daemon().isRunning()).toBe(true);
    for (const [path, bytes] of before) expect(contents(path) === bytes, path).toBe(true);

    const repaired = mac.store('halved');
    repaired.write(JSON.stringify({ version: 1, profiles: { [login.profile]: oauth(login, -hour) } }));
    await repaired.holds(login.profile, pcA.store().entry(login.profile) ?? {});
    // And the other way round: a store that was in step becomes a folder, and comes back old.
    rmSync(repaired.path);
    mkdirSync(repaired.path);
    await until('the folder is set aside', async () => {
      const { stores } = await mac.status();
      return stores.some(({ store, state }) => store === repaired.path && state === 'quarantined');
    });
    rmdirSync(repaired.path);
    repaired.put(login.profile, oauth(login, -hour));
    await repaired.holds(login.profile, pcA.store().entry(login.profile) ?? {});
  });
});

describe('a main agent that lies outside its state folder', () => {
  it('takes part, and gets what is adopted', async () => {
    const elsewhere = join(fleet.folder, 'elsewhere');
    const moved = storeFile(elsewhere, 'main');
    mkdirSync(dirname(moved.path), { recursive: true });
    const host = fleet.host('moved', { environment: { OPENCLAW_AGENT_DIR: dirname(moved.path) } });
    writeFileSync(join(host.stateDir, 'openclaw.json'), JSON.stringify({ meta: { lastTouchedVersion: '2026.4.9' } }));
    await fleet.join(host);
    await host.start();
    await host.online();
    const login = owner();
    await share(login, pcA);
    await until('the login is known', async () =>
      (await host.status()).lacks.some(({ profile }) => profile === login.profile),
    );
    expect((await host.agent('adopt', login.profile)).code).toBe(0);
    await moved.holds(login.profile, pcA.store().entry(login.profile) ?? {});
    expect(host.store().exists()).toBe(false);
    await moved.holds(login.profile, await renew(login, pcA));
    await host.stop();
    const { document } = await host.json('status');
    expect(statusDocument.parse(document).stores.map(({ store }) => store)).toEqual([moved.path]);
  });
});

describe('an unusable entry', () => {
  it('never spreads, and is healed by the fleet’s login', async () => {
    const fence = `openclaw-oauth-refresh-fence:v1:${'0'.repeat(32)}`;
    const flaws: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
      missing: { expires: undefined },
      zero: { expires: 0 },
      negative: { expires: -1 },
      seconds: { expires: Math.floor(Date.now() / 1_000) + 3_600 },
      text: { expires: 'tomorrow' },
      year9999: { expires: Date.UTC(9999, 0, 1) },
      emptied: { access: '', refresh: '' },
      absent: { access: undefined, refresh: undefined },
      failed: { access: `${fence}:failed:access:x`, refresh: `${fence}:failed:refresh:x`, expires: 1 },
    };
    const logins = Object.entries(flaws).map(([flaw, fields]) => ({ flaw, fields, login: owner() }));
    const healthy = logins.map(({ login }) => oauth(login));
    for (const [index, { login }] of logins.entries()) pcA.store().put(login.profile, healthy[index] ?? {});
    const pending = owner('google-gemini-cli');
    await share(pending, pcA, t440);
    const young = { ...oauth(pending), access: `${fence}:access:x`, refresh: `${fence}:refresh:x`, expires: 1 };
    t440.store().put(pending.profile, young);
    for (const { login, fields } of logins) t440.store().put(login.profile, { ...oauth(login), ...fields });
    for (const [index, { login }] of logins.entries()) await t440.store().holds(login.profile, healthy[index] ?? {});
    for (const [index, { flaw, login }] of logins.entries()) {
      expect(pcA.store().entry(login.profile)?.access === healthy[index]?.access, flaw).toBe(true);
      expect(t440.store().entry(login.profile), flaw).not.toHaveProperty('refresh');
    }
    for (const { flaw, login } of logins.filter(one => ['seconds', 'emptied', 'failed'].includes(one.flaw))) {
      const { document } = await pcA.json('explain', login.profile);
      const found = explainDocument.parse(document).history.filter(({ verdict }) => verdict === 'quarantined');
      expect(found, flaw).toMatchObject([
        { origin: 't440', fingerprint: flaw === 'emptied' ? null : expect.any(String) },
      ]);
    }
    // OpenClaw is in the middle of a refresh: its own word comes first.
    expect(t440.store().entry(pending.profile)).toEqual(young);
    await t440.accountIs(pending, account => account?.state === 'refreshing');
    const refreshed = oauth(pending);
    t440.store().put(pending.profile, refreshed);
    await pcA.store().holds(pending.profile, refreshed);
  });

  it('without a provider, or that is no object, is passed over and kept', async () => {
    const login = owner();
    const odd = {
      'a:b': { type: 'oauth', access: secret('access') },
      'c:d': 'text',
      'e:f': null,
      'g:h': { type: 'x' },
    };
    const store = t440.store('odd');
    pcA.store().put(login.profile, oauth(login));
    store.write(JSON.stringify({ version: 1, profiles: { ...odd, [login.profile]: oauth(login, -hour) } }));
    await store.holds(login.profile, pcA.store().entry(login.profile) ?? {});
    const { [login.profile]: _, ...others } = store.read().profiles;
    expect(others).toEqual(odd);
  });
});

describe('a lock', () => {
  it('of a living owner is waited for, one of a dead owner is taken over', async () => {
    const login = owner();
    const before = await share(login, pcA, t440);
    const lock = `${t440.store().path}.lock`;
    writeFileSync(lock, JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }));
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await pcA.accountIs(login, account => account?.copies.some(copy => copy.state === 'stale') === true);
    expect(t440.store().entry(login.profile)?.access === before.access).toBe(true);
    rmSync(lock);
    await t440.store().holds(login.profile, renewed);
    const dead = pcA.daemon().pid;
    await pcA.stop();
    writeFileSync(lock, JSON.stringify({ pid: dead, createdAt: new Date().toISOString() }));
    await pcA.start();
    await renew(login, pcA, t440);
  });
});
