import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judge, type Service, startService } from '../demo/service.ts';
import { type Sessions, startSessions } from '../demo/sessions.ts';
import { until } from './harness/condition.ts';
import { readLog } from './harness/coordinator.ts';
import { agents, gateway, limit, pools } from './harness/crowd.ts';
import type { Host } from './harness/host.ts';
import { hour, type OAuthEntry, oauth, owner } from './harness/login.ts';
import { programPath, start } from './harness/program.ts';
import { type Fleet, useStage } from './harness/stage.ts';
import { openTap } from './harness/tap.ts';

const stage = useStage();

interface Outage {
  readonly fleet: Fleet;
  readonly t440: Host;
  readonly laptop: Host;
  /** Takes whatever comes: its log says how many were coming back at once. */
  readonly service: Service;
  readonly sessions: Sessions;
  readonly profile: string;
  /** The login that works. */
  readonly live: OAuthEntry;
  /** Waits until so many sessions were let in. */
  readonly back: (count: number) => Promise<void>;
  /** Every agent of both hosts is back, and never were more than the limit on their way. */
  readonly endsWell: () => Promise<void>;
}

/** pc-a has the live login; 15 agents of t440 and one of a laptop have one that has ended. Their agents start. */
async function createOutage(): Promise<Outage> {
  const fleet = await stage.fleet({ coordinator: { pools } });
  const [pcA, t440, laptop] = ['pc-a', 't440', 'laptop'].map(name => fleet.host(name)) as [Host, Host, Host];
  const login = owner();
  const live = oauth(login);
  const dead = oauth(login, -hour);
  pcA.store().put(login.profile, live);
  for (const agent of agents) t440.store(agent).put(login.profile, dead);
  laptop.store().put(login.profile, dead);
  for (const host of [pcA, t440, laptop]) await fleet.join(host);
  await pcA.start('--log-level', 'debug');
  await pcA.accountIs(login, account => account?.revision === 1);
  const service = await startService(1_000, token => token === live.access);
  const stores = [...agents.map(agent => t440.store(agent).path), laptop.store().path];
  const sessions = startSessions(stores, login.profile, service.url);
  const back = (count: number) =>
    until(`${count} sessions are back`, () => judge(service.log).started >= count, 60_000);
  return {
    fleet,
    t440,
    laptop,
    service,
    sessions,
    profile: login.profile,
    live,
    back,
    async endsWell() {
      await back(stores.length);
      expect(await sessions.answered).toEqual(stores.map(() => true));
      await service.close();
      expect(judge(service.log)).toMatchObject({ started: stores.length, refused: 0 });
      expect(judge(service.log).mostAtOnce).toBeLessThanOrEqual(limit);
    },
  };
}

describe('a recovery of fifteen agents under a limit of four', () => {
  it('brings all back, never more than four at once, and the other host with its one in the first waves', async () => {
    const { t440, laptop, service, endsWell } = await createOutage();
    await Promise.all([t440.start('--log-level', 'debug'), laptop.start('--log-level', 'debug')]);
    await endsWell();
    const order = service.log.map(({ who }) => who);
    expect(order.indexOf(laptop.store().path)).toBeLessThan(3);
    // Agents whose login fails fall back to the main one's: it comes when they have theirs.
    expect(order.filter(who => who !== laptop.store().path).at(-1)).toBe(t440.store().path);
  });

  it('goes on after a kill -9 of the coordinator in the middle, within the limit', async () => {
    const { fleet, t440, laptop, back, endsWell } = await createOutage();
    await Promise.all([t440.start('--log-level', 'debug'), laptop.start('--log-level', 'debug')]);
    await back(4);
    await fleet.coordinator.daemon().kill();
    await fleet.coordinator.start('--log-level', 'debug');
    await endsWell();
  });

  it('goes on after a kill -9 of the agent in the middle, within the limit', async () => {
    const { t440, laptop, back, endsWell } = await createOutage();
    await Promise.all([t440.start('--log-level', 'debug'), laptop.start('--log-level', 'debug')]);
    await back(4);
    await t440.daemon().kill();
    await t440.start('--log-level', 'debug');
    await endsWell();
  });
});

describe('a recovery that does not go by itself', () => {
  it('goes on after a cut between agent and coordinator, within the limit', async () => {
    const { fleet, t440, laptop, back, endsWell } = await createOutage();
    const port = Number(new URL(fleet.coordinator.url()).port);
    const tap = await openTap({ port: 0, host: '127.0.0.1' }, { port, host: '127.0.0.1' });
    t440.configure({ coordinator: [`ws://127.0.0.1:${tap.port}`] });
    await Promise.all([t440.start('--log-level', 'debug'), laptop.start('--log-level', 'debug')]);
    await back(3);
    tap.cut();
    // Longer than what was given lasts: it counts on for the grace time, and is then given to others.
    await until('a permit is lost', () => /"permit-lost"/.test(readLog(fleet.coordinator.log)), 60_000);
    tap.mend();
    await endsWell();
    await tap.close();
  });

  it('halts when its first session fails, says why, and tries again', async () => {
    const { fleet, t440, service, sessions, profile } = await createOutage();
    sessions.stop();
    await service.close();
    const sign = join(fleet.coordinator.dataDir, 'healthy');
    const healthCommand = `test -e ${sign}`;
    const file = join(fleet.coordinator.dataDir, 'coordinator.json');
    writeFileSync(file, JSON.stringify({ pools: [{ ...pools[0], healthCommand }] }));
    fleet.coordinator.daemon().signal('SIGHUP');
    await until('the pools are read', () => /configuration-read/.test(readLog(fleet.coordinator.log)));
    t440.configure({ healthCommands: true });
    await t440.start('--log-level', 'debug');
    const pool = async () => (await t440.status()).pools.find(({ name }) => name === 'web');
    await until('the recovery is halted', async () => (await pool())?.phase === 'halted');
    expect((await pool())?.why).toContain('the first session failed');
    expect(await pool()).toMatchObject({ recovering: 0, waiting: 13 });
    expect((await t440.agent('status')).code).toBe(1);
    writeFileSync(sign, '');
    const isHealed = (agent: string) => Number(t440.store(agent).entry(profile)?.expires) > Date.now();
    await until('all are healed', () => agents.every(isHealed), 60_000);
  });

  it('lets smaller ones pass a command for three sessions while one may come back, and serves it later', async () => {
    const { fleet, t440, laptop, service, back, sessions, profile, live } = await createOutage();
    const desk = fleet.host('desk');
    await fleet.join(desk);
    await desk.start('--log-level', 'debug');
    await desk.online();
    const three = ['x', 'y', 'z'].map(agent => {
      desk.store(agent).put(profile, live);
      return desk.store(agent).path;
    });
    await Promise.all([t440.start('--log-level', 'debug'), laptop.start('--log-level', 'debug')]);
    await back(1);
    const command = ['node', gateway, service.url, profile, ...three];
    const args = ['exec', '--home', desk.home, '--pool', 'web', '--sessions', '3', '--', ...command];
    const run = start(programPath('authmesh-agent'), args, { HOME: desk.home }, desk.log);
    expect(await run.ended).toMatchObject({ code: 0 });
    await sessions.answered;
    await service.close();
    const order = service.log.map(({ who }) => three.includes(who));
    expect(order.indexOf(true)).toBeGreaterThan(1);
    expect(judge(service.log).mostAtOnce).toBeLessThanOrEqual(limit);
  });
});

describe('a limit that is changed', () => {
  it('counts at once with SIGHUP; a broken file is refused by name, and the old one stays', async () => {
    const { fleet, t440, sessions, service } = await createOutage();
    sessions.stop();
    await service.close();
    await t440.start('--log-level', 'debug');
    await t440.online();
    const file = join(fleet.coordinator.dataDir, 'coordinator.json');
    const limitOf = async () => (await t440.status()).pools.find(({ name }) => name === 'web')?.limit;
    writeFileSync(file, JSON.stringify({ pools: [{ ...pools[0], limit: 9 }] }));
    fleet.coordinator.daemon().signal('SIGHUP');
    await until('the new limit counts', async () => (await limitOf()) === 9);
    writeFileSync(file, JSON.stringify({ pools: [{ ...pools[0], limit: 0 }] }));
    fleet.coordinator.daemon().signal('SIGHUP');
    await until('the broken file is refused', () =>
      /configuration-refused.*pools\[0\]\.limit\\?", is 0/.test(readLog(fleet.coordinator.log)),
    );
    expect(await limitOf()).toBe(9);
  });
});
