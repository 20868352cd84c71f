import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judge, type Service, startService } from '../demo/service.ts';
import { until } from './harness/condition.ts';
import { agents, gateway, limit, pools } from './harness/crowd.ts';
import type { Host } from './harness/host.ts';
import { hour, oauth, owner } from './harness/login.ts';
import { type Daemon, programPath, start } from './harness/program.ts';
import { useStage } from './harness/stage.ts';

const stage = useStage();
const login = owner();

interface Restart {
  readonly host: Host;
  readonly service: Service;
  readonly stores: readonly string[];
  /** `exec` around the start of a gateway with all agents. */
  readonly exec: (sessions: number) => Daemon;
  readonly started: () => number;
  /** What OpenClaw would find paused. */
  readonly heldUntil: () => readonly number[];
}

/** Fifteen agents of one host have a login that works; what they connect to would take any number of them. */
async function createRestart(): Promise<Restart> {
  const fleet = await stage.fleet({ coordinator: { pools } });
  const host = fleet.host('t440');
  const live = oauth(login, hour);
  for (const agent of agents) host.store(agent).put(login.profile, live);
  await fleet.join(host);
  await host.start('--log-level', 'debug');
  await host.online();
  await host.accountIs(login, account => account?.copies.length === agents.length);
  const service = await startService(1_000, token => token === live.access);
  const stores = agents.map(agent => host.store(agent).path);
  return {
    host,
    service,
    stores,
    exec(sessions) {
      const command = ['node', gateway, service.url, login.profile, ...stores];
      const args = ['exec', '--home', host.home, '--pool', 'web', '--sessions', `${sessions}`, '--', ...command];
      return start(programPath('authmesh-agent'), args, { HOME: host.home }, host.log);
    },
    started: () => judge(service.log).started,
    heldUntil: () =>
      agents.flatMap(agent => {
        const uses = host.store(agent).read().usageStats as Readonly<Record<string, { disabledUntil?: number }>>;
        return uses?.[login.profile]?.disabledUntil ?? [];
      }),
  };
}

describe('a planned restart of fifteen agents with good logins, under a limit of four', () => {
  it('holds eleven back, and lets them go in waves: never more than four at once', async () => {
    const { host, service, stores, exec, heldUntil } = await createRestart();
    const command = exec(agents.length);
    await until('the gateway was started', () => command.stdout().includes('started'));
    expect(command.stderr()).toContain('11 agents are held back');
    const ends = heldUntil();
    expect(ends.length).toBe(11);
    // Should nobody lift them, they end a limit's worth at a time, each wave a settle time after the one before.
    expect(new Set(ends).size).toBe(3);
    const { accounts } = await host.status();
    expect(accounts[0]?.copies.filter(({ state }) => state === 'held').length).toBe(11);
    expect(await command.ended).toMatchObject({ code: 0, stdout: 'started\nanswered 15 of 15\n' });
    await service.close();
    expect(judge(service.log)).toMatchObject({ started: stores.length, refused: 0 });
    expect(judge(service.log).mostAtOnce).toBeLessThanOrEqual(limit);
    await until('no mark is left', () => heldUntil().length === 0);
  });

  it('goes on after a kill -9 of the agent: what stands in the stores is what counts', async () => {
    const { host, service, stores, exec, started } = await createRestart();
    const command = exec(agents.length);
    await until('the first are back', () => started() >= 5);
    await host.daemon().kill();
    await host.start('--log-level', 'debug');
    expect(await command.ended).toMatchObject({ code: 0, stdout: 'started\nanswered 15 of 15\n' });
    await service.close();
    expect(judge(service.log).started).toBe(stores.length);
    expect(judge(service.log).mostAtOnce).toBeLessThanOrEqual(limit);
  });

  it('is refused while agents are held back since the last one, and where they cannot be', async () => {
    const { host, service, exec, started } = await createRestart();
    const command = exec(agents.length);
    await until('the first are back', () => started() >= 1);
    const second = await exec(agents.length).ended;
    expect(second).toMatchObject({ code: 75, stdout: '' });
    expect(second.stderr).toContain('held back since the last start');
    const many = await exec(100).ended;
    expect(many.code).toBe(75);
    expect(await command.ended).toMatchObject({ code: 0 });
    const tooMany = await exec(100).ended;
    expect(tooMany).toMatchObject({ code: 64, stdout: '' });
    expect(tooMany.stderr).toContain(
      '100 sessions are more than pool web allows at once, 4, and 14 of them can be held back meanwhile',
    );
    // A gateway of this release reads its marks at its start alone.
    writeFileSync(join(host.stateDir, 'openclaw.json'), JSON.stringify({ meta: { lastTouchedVersion: '2026.3.13' } }));
    const refused = await exec(agents.length).ended;
    expect(refused).toMatchObject({ code: 64, stdout: '' });
    expect(refused.stderr).toContain('OpenClaw 2026.3.13');
    await service.close();
  });
});
