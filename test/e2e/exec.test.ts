import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { readLog } from './harness/coordinator.ts';
import type { Host } from './harness/host.ts';
import { type Daemon, lineOf, programPath, start } from './harness/program.ts';
import { type Fleet, useStage } from './harness/stage.ts';

const stage = useStage();

/** A fleet of one host, and pools that the coordinator has read. */
async function createPools(...pools: readonly object[]): Promise<{ readonly fleet: Fleet; readonly host: Host }> {
  const {
    fleet,
    hosts: [host],
  } = await stage.hosts('t440');
  writeFileSync(join(fleet.coordinator.dataDir, 'coordinator.json'), JSON.stringify({ pools }));
  fleet.coordinator.daemon().signal('SIGHUP');
  await until('the coordinator has read its pools', () => /configuration-read/.test(readLog(fleet.coordinator.log)));
  return { fleet, host };
}

const pool = (limit: number, settleSeconds: number) => ({ name: 'web', match: ['*'], limit, settleSeconds });

/** `exec` with the host's home, and the command behind `--`. */
function exec(host: Host, options: readonly string[], ...command: readonly string[]): Daemon {
  const args = ['exec', '--home', host.home, '--pool', 'web', ...options, '--', ...command];
  return start(programPath('authmesh-agent'), args, { HOME: host.home }, host.log);
}

/** Says on stdout when it starts, and goes on until it is told to end. */
const lasting = [
  'node',
  '-e',
  'console.log("started", Date.now(), "pid", process.pid); setInterval(() => {}, 1000)',
] as const;
/** The settle time of three seconds, as two programs show it whose start takes a moment each. */
const settleMsSeen = 2_500;
const startedAt = (command: Daemon) => Number(/started (\d+)/.exec(command.stdout())?.[1] ?? Number.NaN);

describe('exec', () => {
  it('passes exit codes, arguments and output through', async () => {
    const { host } = await createPools(pool(4, 0));
    const spoken = exec(host, [], 'node', '-e', 'console.log(process.argv.slice(1).join())', '--', '--pool', 'x');
    expect(await spoken.ended).toMatchObject({ code: 0, stdout: '--pool,x\n' });
    expect((await exec(host, [], 'sh', '-c', 'exit 7').ended).code).toBe(7);
    expect((await exec(host, [], 'sh', '-c', 'kill -KILL $$').ended).code).toBe(137);
    const missing = await exec(host, [], '/nowhere/at-all').ended;
    expect(missing).toMatchObject({ code: 127 });
    expect(missing.stderr).toContain('cannot run /nowhere/at-all: it does not exist');
  });

  it('gives no permits to the next while what it restarts is still up as it was', async () => {
    const { host } = await createPools({ ...pool(1, 60), healthCommand: 'test -e "$HOME/up"' });
    host.configure({ healthCommands: true });
    host.daemon().signal('SIGHUP');
    const sign = join(host.home, '..', 'up');
    writeFileSync(sign, '');
    const said = (word: string) => `echo ${word} $(date +%s%3N)`;
    const script = `${said('begun')}; sleep 2; rm "${sign}"; sleep 2; touch "${sign}"; ${said('back')}`;
    const restarts = [1, 2].map(() => exec(host, [], 'sh', '-c', script));
    const ended = await Promise.all(restarts.map(({ ended: end }) => end));
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    const momentOf = (word: string) =>
      ended.map(({ stdout }) => Number(new RegExp(`${word} (\\d+)`).exec(stdout)?.[1])).sort((a, b) => a - b);
    expect(momentOf('begun')[1]).toBeGreaterThanOrEqual(momentOf('back')[0] ?? Number.NaN);
  });

  it('passes signals through', async () => {
    const { host } = await createPools(pool(4, 0));
    const script = 'process.on("SIGTERM", () => process.exit(42)); process.on("SIGUSR2", () => console.log("usr2"));';
    const command = exec(host, [], 'node', '-e', `${script} console.log("started"); setInterval(() => {}, 1000)`);
    await lineOf(command, /^started/);
    command.signal('SIGUSR2');
    await lineOf(command, /usr2/);
    command.signal('SIGTERM');
    expect((await command.ended).code).toBe(42);
  });

  it('never has more sessions coming back than the limit, and starts the next one when they have settled', async () => {
    const { host } = await createPools(pool(1, 3));
    const first = exec(host, [], ...lasting);
    await lineOf(first, /^started/);
    const second = exec(host, [], ...lasting);
    await lineOf(second, /waiting for pool web at place 1/);
    await lineOf(second, /^started/);
    // The first one goes on running: what counts is that its sessions are back.
    expect(first.isRunning()).toBe(true);
    expect(startedAt(second) - startedAt(first)).toBeGreaterThanOrEqual(settleMsSeen);
    await Promise.all([first.stop(), second.stop()]);
  });

  it('that is killed with kill -9 keeps its permits counted until its sessions must be back', async () => {
    const { host } = await createPools(pool(1, 3));
    const first = exec(host, [], ...lasting);
    await lineOf(first, /^started/);
    // Its command goes on: nobody is there to end it, so the test does.
    const orphan = Number(/pid (\d+)/.exec(first.stdout())?.[1]);
    first.signal('SIGKILL');
    const second = exec(host, [], ...lasting);
    await lineOf(second, /^started/);
    expect(startedAt(second) - startedAt(first)).toBeGreaterThanOrEqual(settleMsSeen);
    process.kill(orphan, 'SIGKILL');
    await Promise.all([first.ended, second.stop()]);
  });

  it('ends 75 when there is no permit in time, 130 when it is interrupted while it waits', async () => {
    const { host } = await createPools(pool(1, 60));
    const holder = exec(host, [], ...lasting);
    await lineOf(holder, /^started/);
    const late = await exec(host, ['--timeout', '1s'], 'true').ended;
    expect(late.code).toBe(75);
    expect(late.stderr).toContain('pool web gave no permits for 1 in time');
    const interrupted = exec(host, [], 'true');
    await lineOf(interrupted, /waiting for pool web/);
    interrupted.signal('SIGINT');
    expect((await interrupted.ended).code).toBe(130);
    await holder.stop();
  });

  it('ends 64 for what can never be, and 69 without a daemon', async () => {
    const { host } = await createPools(pool(4, 0));
    const large = await exec(host, ['--sessions', '5'], 'true').ended;
    expect(large).toMatchObject({ code: 64 });
    expect(large.stderr).toContain('5 sessions are more than pool web allows at once, 4');
    const unknown = await exec(host, ['--pool', 'nowhere'], 'true').ended;
    expect(unknown).toMatchObject({ code: 64 });
    expect(unknown.stderr).toContain('the coordinator has no such pool; it has web, default');
    expect((await exec(host, ['--sessions', 'many'], 'true').ended).code).toBe(64);
    expect((await exec(host, ['--settle', '20'], 'true').ended).code).toBe(64);
    const long = await exec(host, ['--settle', '25h'], 'true').ended;
    expect(long).toMatchObject({ code: 64, stderr: expect.stringContaining('--settle is "25h": a day at most') });
    await host.daemon().stop();
    expect((await exec(host, [], 'true').ended).code).toBe(69);
  });
});
