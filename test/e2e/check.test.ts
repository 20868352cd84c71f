import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { doctorDocument, statusDocument } from './harness/contract.ts';
import type { Host } from './harness/host.ts';
import { hour, oauth, owner } from './harness/login.ts';
import { lineOf } from './harness/program.ts';
import { checkDocument, planDocument } from './harness/restart-documents.ts';
import { share } from './harness/share.ts';
import { type Fleet, useStage } from './harness/stage.ts';

const stage = useStage();
const minute = hour / 60;

/** What `check` says, and how it ends. */
async function check(host: Host, ...args: readonly string[]) {
  const { code, document } = await host.json('check', '--before-restart', ...args);
  return { code, ...checkDocument.parse(document) };
}

describe('what stands on disk, while no daemon runs', () => {
  let fleet: Fleet;
  let t440: Host;
  const login = owner();

  beforeAll(async () => {
    const { fleet: made, hosts } = await stage.hosts('pc-a', 't440');
    const [pcA, second] = hosts;
    await share(login, pcA, second);
    await second.daemon().stop();
    fleet = made;
    t440 = second;
  });

  it('is judged store by store: too short a life, a fence, an empty token, a store nobody can read', async () => {
    const main = t440.store();
    const judged = async () => (await check(t440)).profiles.map(({ state }) => state);
    main.put(login.profile, oauth(login, 5 * minute));
    expect(await judged()).toEqual(['expiring']);
    expect((await check(t440, '--min-life', '1m')).safe).toBe(true);
    const marker = 'openclaw-oauth-refresh-fence:v1:pending:0123456789abcdef';
    main.put(login.profile, { ...oauth(login), access: marker, refresh: marker });
    expect(await judged()).toEqual(['fenced']);
    main.put(login.profile, { ...oauth(login), access: '' });
    expect(await judged()).toEqual(['missing']);
    main.write('{"version":1,"profiles":');
    const unread = await check(t440);
    expect([unread.code, unread.profiles]).toEqual([
      1,
      [expect.objectContaining({ store: main.path, profile: login.profile, state: 'unreadable' })],
    ]);
    const work = t440.store('work');
    work.write('not JSON');
    expect((await check(t440)).profiles.map(({ profile }) => profile)).toEqual([login.profile, '']);
    rmSync(dirname(work.path), { recursive: true });
  });

  it('is missing where the file of a login is gone', async () => {
    t440.store().write('{"version":1,"profiles":{}}');
    expect(await check(t440)).toMatchObject({ safe: true, profiles: [] });
    rmSync(t440.store().path);
    expect(await check(t440)).toMatchObject({ code: 1, profiles: [{ profile: login.profile, state: 'missing' }] });
  });

  it('is refused, from disk alone while nobody can be asked, and says so', async () => {
    t440.store().put(login.profile, oauth(login));
    expect(await check(t440)).toMatchObject({ code: 0, safe: true, profiles: [{ state: 'usable' }] });
    const ended = oauth(login, -minute);
    t440.store().put(login.profile, ended);
    expect(await check(t440)).toMatchObject({
      code: 1,
      safe: false,
      profiles: [
        {
          store: t440.store().path,
          profile: login.profile,
          state: 'expired',
          expiresAt: new Date(ended.expires).toISOString(),
        },
      ],
      sessions: { pool: 'all', needed: 1, limit: 1_000, wavesSeconds: 0 },
    });
    await fleet.coordinator.daemon().stop();
    const alone = await t440.agent('check', '--repair', '--timeout', '5s');
    expect([alone.code, alone.stdout]).toEqual([1, expect.stringContaining('Not safe to start')]);
    expect(alone.stderr).toContain('decided from disk alone');
    t440.store().put(login.profile, oauth(login));
    expect((await t440.agent('check')).code).toBe(0);
  });
});

describe('a host whose file has ended', () => {
  it('passes once --repair has healed it, without a daemon', async () => {
    const fleet = await stage.fleet();
    const [pcA, t440] = [fleet.host('pc-a'), fleet.host('t440')];
    for (const host of [pcA, t440]) await fleet.join(host);
    const login = owner();
    const live = oauth(login);
    pcA.store().put(login.profile, live);
    t440.store().put(login.profile, oauth(login, -minute));
    await pcA.start();
    await pcA.accountIs(login, account => account?.state === 'fresh');
    expect(await check(t440)).toMatchObject({ code: 1, safe: false, profiles: [{ state: 'expired' }] });
    expect(await check(t440, '--repair')).toMatchObject({ code: 0, safe: true, profiles: [{ state: 'usable' }] });
    expect(t440.store().entry(login.profile)?.access === live.access).toBe(true);
    await t440.start();
    await t440.online();
  });

  it('passes with --repair beside another one of its kind', async () => {
    const {
      hosts: [pcA, t440],
    } = await stage.hosts('pc-a', 't440');
    const login = owner();
    await share(login, pcA, t440);
    await t440.daemon().stop();
    t440.store().put(login.profile, oauth(login, -hour));
    const checks = [1, 2].map(() => t440.agent('check', '--before-restart', '--repair', '--timeout', '20s'));
    expect((await Promise.all(checks)).map(({ code }) => code)).toEqual([0, 0]);
  });

  it('passes once --repair has had the daemon heal it', async () => {
    const { hosts } = await stage.hosts('pc-a', 't440');
    const [pcA, t440] = hosts;
    const login = owner();
    const live = await share(login, pcA, t440);
    t440.store().put(login.profile, oauth(login, -minute));
    expect(await check(t440, '--repair')).toMatchObject({ code: 0, safe: true });
    await t440.store().holds(login.profile, live);
  });
});

describe('a pair that was used up', () => {
  it('is spent where a host that renewed its login gets its old file back', async () => {
    const { hosts } = await stage.hosts('pc-a', 't440');
    const [pcA, t440] = hosts;
    const login = owner();
    const old = await share(login, pcA, t440);
    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    await t440.store().holds(login.profile, renewed);
    await pcA.daemon().stop();
    pcA.store().put(login.profile, old);
    expect(await check(pcA)).toMatchObject({ code: 1, profiles: [{ profile: login.profile, state: 'spent' }] });
    expect(await check(pcA, '--repair')).toMatchObject({ code: 0, profiles: [{ state: 'usable' }] });
  });
});

describe('a login that ends on disk while nobody can heal it', () => {
  it('is a problem of the running daemon before anybody restarts anything, and one line of its log', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a', 't440');
    const [pcA, t440] = hosts;
    const login = owner();
    const live = await share(login, pcA, t440);
    await fleet.coordinator.daemon().stop();
    t440.store().put(login.profile, oauth(login, -minute));
    const decay = async () => {
      const { code, document } = await t440.json('status');
      const [account] = statusDocument.parse(document).accounts;
      const own = account?.copies.find(({ node }) => node === 't440');
      return { code, state: own?.decay?.state };
    };
    await until('the daemon sees it', async () => (await decay()).state === 'expired');
    expect((await decay()).code).toBe(1);
    const doctor = await t440.json('doctor');
    const { findings } = doctorDocument.parse(doctor.document);
    expect(findings.map(({ found }) => found).join()).toContain('would not survive a restart');
    const lines = (event: string) => t440.daemon().stderr().split(`"${event}"`).length - 1;
    expect([lines('decay-seen'), lines('decay-ended')]).toEqual([1, 0]);
    t440.store().put(login.profile, live);
    await until('the daemon sees that, too', async () => (await decay()).code === 0);
    expect([lines('decay-seen'), lines('decay-ended')]).toEqual([1, 1]);
  });
});

describe('fifteen dead stores under a limit of four', () => {
  let fleet: Fleet;
  let t440: Host;
  const login = owner();

  beforeAll(async () => {
    fleet = await stage.fleet();
    const pool = { name: 'web', match: ['openai*'], limit: 4, settleSeconds: 20 };
    writeFileSync(join(fleet.coordinator.dataDir, 'coordinator.json'), JSON.stringify({ pools: [pool] }), {
      mode: 0o600,
    });
    fleet.coordinator.daemon().signal('SIGHUP');
    await lineOf(fleet.coordinator.daemon(), /"configuration-read"/);
    const pcA = fleet.host('pc-a');
    t440 = fleet.host('t440');
    for (const host of [pcA, t440]) await fleet.join(host);
    pcA.store().put(login.profile, oauth(login));
    for (let agent = 1; agent <= 14; agent++) t440.store(`agent-${agent}`).put(login.profile, oauth(login, -hour));
    t440.store().put(login.profile, oauth(login, -hour));
    await pcA.start();
    await pcA.online();
  });

  it('are refused as they stand, with what their return does to the pool', async () => {
    const found = await check(t440);
    expect(found).toMatchObject({ code: 1, safe: false });
    expect(found.profiles.map(({ state }) => state)).toEqual(Array.from({ length: 15 }, () => 'expired'));
    expect(found.sessions).toEqual({ pool: 'web', needed: 15, limit: 4, wavesSeconds: 100 });
  });

  it('pass with --repair: as many as may come back now are healed, the others are in line', async () => {
    await t440.start('--log-level', 'debug');
    const found = await check(t440, '--repair');
    expect(found).toMatchObject({ code: 0, safe: true });
    const healed = found.profiles.filter(({ state }) => state === 'usable');
    const inLine = found.profiles.filter(({ reason }) => reason.includes('healed in its turn after the start'));
    expect(healed.length).toBeGreaterThanOrEqual(1);
    expect(healed.length).toBeLessThanOrEqual(4);
    expect(healed.length + inLine.length).toBe(15);
    expect(found.profiles.some(({ reason }) => /place \d+$/.test(reason))).toBe(true);
  });

  it('are planned for by the pool, also as it was last told', async () => {
    const plan = async () => {
      const { code, document } = await t440.json('plan', '--pool', 'web', '--sessions', '15');
      return { code, ...planDocument.parse(document) };
    };
    expect(await plan()).toMatchObject({ code: 0, waves: [1, 2, 4, 4, 4], seconds: 100 });
    const unknown = await t440.agent('plan', '--pool', 'wbe', '--sessions', '15');
    expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining('the coordinator knows web')]);
    await until('the daemon keeps the overview', async () => (await t440.json('status')).code !== 69);
    await fleet.coordinator.daemon().stop();
    expect(await plan()).toMatchObject({ code: 0, waves: [1, 2, 4, 4, 4] });
    const away = await t440.agent('plan', '--pool', 'web', '--sessions', '15');
    expect(away.stderr).toContain('The limits are those of');
  });
});

describe('a plan without anybody to ask', () => {
  it('goes by what is said, and refuses what makes no plan in one sentence', async () => {
    const fleet = await stage.fleet();
    const host = fleet.host('nobody');
    const plan = (...args: readonly string[]) => host.agent('plan', ...args);
    const made = await host.json('plan', '--sessions', '15', '--limit', '4', '--settle', '20s');
    expect([made.code, planDocument.parse(made.document)]).toEqual([
      0,
      expect.objectContaining({ waves: [1, 2, 4, 4, 4], seconds: 100, recommendedLimit: 8 }),
    ]);
    for (const bad of [
      ['--sessions', '15', '--limit', '0'],
      ['--sessions', '15', '--limit=-1'],
      ['--limit', '4'],
      ['--sessions', '15'],
      ['--sessions', '0', '--limit', '4'],
      ['--sessions', '15', '--limit', '4', '--settle', '20'],
    ]) {
      const { code, stdout, stderr } = await plan(...bad);
      expect([code, stdout, stderr.trim().split('\n')]).toEqual([64, '', [expect.stringMatching(/\.$/)]]);
    }
  });
});
