import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { doctorDocument, explainDocument, statusDocument } from './harness/contract.ts';
import { oauth, owner } from './harness/login.ts';
import { lineOf } from './harness/program.ts';
import { renew, share } from './harness/share.ts';
import { useStage } from './harness/stage.ts';

const stage = useStage();

describe('a coordinator that is away', () => {
  it('is killed, comes back, and knows which file is old; what was renewed meanwhile spreads', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a', 't440');
    const [pcA, t440] = hosts;
    const login = owner();
    const old = await share(login, pcA, t440);
    await renew(login, pcA, t440);
    await fleet.coordinator.daemon().kill();
    await until('pc-a notices', async () => !(await pcA.status()).coordinator.connected);
    const away = await t440.json('status');
    expect(statusDocument.parse(away.document)).toMatchObject({ coordinator: { connected: false } });
    expect(away.code).toBe(0);
    const nobody = await t440.agent('nodes', '--json');
    expect([nobody.code, nobody.stdout]).toEqual([69, '']);
    expect(nobody.stderr).toContain(fleet.coordinator.url());

    const renewed = oauth(login);
    pcA.store().put(login.profile, renewed);
    t440.store().put(login.profile, old);
    await fleet.coordinator.start();
    await t440.store().holds(login.profile, renewed);
    expect(pcA.store().entry(login.profile)?.access === renewed.access).toBe(true);
    const told = await t440.json('explain', login.profile);
    const { current, history } = explainDocument.parse(told.document);
    expect(current?.revision).toBe(3);
    expect(history.filter(({ verdict }) => verdict === 'stale').map(({ origin }) => origin)).toContain('t440');
  });
});

describe('a coordinator without room', () => {
  it('says when to come back, and the agent is there by itself', async () => {
    const fleet = await stage.fleet({ coordinator: { halfOpenMax: 16 } });
    const host = fleet.host('pc-a');
    await fleet.join(host);
    const { hostname, port, host: address } = new URL(fleet.coordinator.url());
    let turnedAway = '';
    const strangers = Array.from({ length: 17 }, () =>
      connect(Number(port), hostname)
        .on('error', () => undefined)
        .on('data', said => {
          turnedAway += said;
        }),
    );
    await until('all places are taken', () => turnedAway !== '');
    expect(turnedAway).toMatch(/^HTTP\/1\.1 429 .*authmesh-retry-after-ms: \d+\r\n/s);
    const daemon = await host.start();
    expect(await lineOf(daemon, /"link-lost"/)).toContain('too many unproven connections');
    for (const stranger of strangers) stranger.destroy();
    await host.online();
    const metrics = await (await fetch(`http://${address}/metrics`)).text();
    expect(metrics).toMatch(/^authmesh_links_unproven_peak 16$/m);
    expect(Number(/^authmesh_links_turned_away_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(1);
  });
});

describe('a host that is away', () => {
  it('comes back after three renewals and gets the last one only', async () => {
    const { hosts } = await stage.hosts('pc-a', 'mac');
    const [pcA, mac] = hosts;
    const login = owner();
    await share(login, pcA, mac);
    const drained = await mac.daemon().stop();
    expect([drained.code, drained.signal]).toEqual([0, null]);

    const offline = await mac.json('status');
    expect(offline.code).toBe(69);
    const { coordinator, accounts } = statusDocument.parse(offline.document);
    expect(coordinator.connected).toBe(false);
    expect(accounts.flatMap(({ profiles }) => profiles)).toEqual([login.profile]);
    expect((await mac.agent('adopt', '--all')).code).toBe(69);

    await renew(login, pcA);
    await renew(login, pcA);
    const last = await renew(login, pcA);
    const daemon = await mac.start('--log-level', 'debug');
    await mac.store().holds(login.profile, last);
    await mac.accountIs(login, account => account?.copies.every(copy => copy.state === 'current') === true);
    const written = daemon
      .stderr()
      .split('\n')
      .filter(line => line.includes('"credential-written"'));
    expect(written).toHaveLength(1);
  });

  it('is shown with what it last had, also after the coordinator has started again', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a', 'mac');
    const [pcA, mac] = hosts;
    const login = owner();
    await share(login, pcA, mac);
    const macCopies = async () => {
      const { document } = await pcA.json('status');
      const { accounts } = statusDocument.parse(document);
      return accounts.flatMap(({ copies }) => copies.filter(({ node }) => node === 'mac'));
    };
    await until('mac’s copy is known', async () => (await macCopies()).some(({ state }) => state === 'current'));
    await mac.daemon().stop();
    await fleet.coordinator.daemon().stop();
    const stoppedAt = Date.now();
    await fleet.coordinator.start();
    await pcA.online();
    await renew(login, pcA);
    await until('mac’s copy is old', async () => (await macCopies()).some(({ state }) => state === 'stale'));
    const [kept] = await macCopies();
    expect(kept).toMatchObject({ online: false, profile: login.profile });
    expect(Date.parse(kept?.seenAt ?? '')).toBeLessThan(stoppedAt);
    expect((await pcA.agent('status')).stdout).toMatch(/host away, as of \d+ s ago/);
  });

  it('brings its own renewal, made while it could reach nobody', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a', 't440');
    const [pcA, t440] = hosts;
    const login = owner();
    await share(login, pcA, t440);
    await fleet.coordinator.daemon().kill();
    await pcA.daemon().kill();
    const [, , last] = [1, 2, 3].map(() => {
      const renewed = oauth(login);
      pcA.store().put(login.profile, renewed);
      return renewed;
    });
    await pcA.start();
    await fleet.coordinator.start();
    await t440.store().holds(login.profile, last ?? {});
    expect(pcA.store().entry(login.profile)?.access).toBe(last?.access);
  });
});

describe('a clock that is wrong', () => {
  it('is named by the doctor, with the command that mends it', async () => {
    const fleet = await stage.fleet();
    const shift = 'const now=Date.now;Date.now=()=>now()-300000';
    const host = fleet.host('pc-a', {
      environment: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` },
    });
    await fleet.join(host);
    await host.start();
    await host.online();
    const { document } = await host.json('doctor');
    const { findings } = doctorDocument.parse(document);
    expect(findings.filter(({ name }) => name === 'clock')).toEqual([
      {
        name: 'clock',
        state: 'notice',
        found: 'this host’s clock is 5 min behind the coordinator’s',
        mend: expect.stringContaining('sudo '),
      },
    ]);
  });
});

describe('a stop', () => {
  it('drains on SIGTERM and SIGINT with exit 0, and a second signal ends it at once', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a', 't440');
    const [pcA, t440] = hosts;
    pcA.daemon().signal('SIGINT');
    expect(await pcA.daemon().ended).toMatchObject({ code: 0, signal: null });
    expect((await pcA.agent('status')).code).toBe(69);
    const coordinator = fleet.coordinator.daemon();
    coordinator.signal('SIGTERM');
    expect(await coordinator.ended).toMatchObject({ code: 0, signal: null });
    await lineOf(t440.daemon(), /"link-lost"/);

    // Stopped, it takes neither: both are there when it goes on, so that the drain cannot be over before the second.
    t440.daemon().signal('SIGSTOP');
    t440.daemon().signal('SIGTERM');
    t440.daemon().signal('SIGINT');
    t440.daemon().signal('SIGCONT');
    const { code } = await t440.daemon().ended;
    expect([130, 143]).toContain(code);
  });
});
