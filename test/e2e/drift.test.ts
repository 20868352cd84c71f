import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DriftStatus } from '@authmesh/agent/io/drift-status';
import { describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { statusDocument } from './harness/contract.ts';
import { driftDocument } from './harness/drift-document.ts';
import type { Host } from './harness/host.ts';
import { start } from './harness/program.ts';
import { type Fleet, useStage } from './harness/stage.ts';
import { filesWith } from './harness/traces.ts';

const stage = useStage();
const name = 'INTERNAL_AUTH_SECRET';
const names = ['pc-a', 'vps', 'mac'] as const;

/** Values that nobody may find anywhere but where they were put. */
const secret = () => `drift-${randomBytes(12).toString('hex')}`;
const fileOf = ({ home }: Host) => join(dirname(home), 'app.env');
const put = (host: Host, value: string) => writeFileSync(fileOf(host), `PORT=80\n${name}=${value}\n`);

/** Three hosts that share a secret, each in a file of its own. */
async function sharing(value: string, more: object = {}): Promise<{ fleet: Fleet; hosts: [Host, Host, Host] }> {
  const fleet = await stage.fleet();
  const hosts: Host[] = [];
  for (const each of names) {
    const host = fleet.host(each);
    await fleet.join(host);
    put(host, value);
    host.configure({ secrets: [{ name, from: [{ dotenv: '../app.env' }] }], ...(each === 'vps' ? more : {}) });
    await host.start('--log-level', 'debug');
    hosts.push(host);
  }
  await is(hosts[0], ({ compared }) => compared >= names.length);
  return { fleet, hosts: hosts as [Host, Host, Host] };
}

async function driftOn(host: Host | undefined) {
  if (!host) throw new Error('there is no host');
  const { code, document } = await host.json('drift');
  return { code, document: driftDocument.parse(document) };
}

/** Waits until what the daemon says of the secret is so. */
async function is(host: Host | undefined, check: (drift: DriftStatus) => boolean): Promise<void> {
  await until('the secret is compared so', async () => {
    const drift = (await host?.status())?.drift[0];
    return drift !== undefined && check(drift);
  });
}

describe('a secret that hosts share', () => {
  it('is seen to differ within seconds, with the host, since when, and what mends it, and to be equal again', async () => {
    const [before, after] = [secret(), secret()];
    const { fleet, hosts } = await sharing(before);
    const [a, vps] = hosts;
    expect(await driftOn(a)).toMatchObject({
      code: 0,
      document: { drift: [{ name, state: 'equal', since: null }], coverage: { compared: 3, declared: 3 } },
    });
    const changedAt = Date.now();
    put(vps, after);
    await is(a, ({ state }) => state === 'differs');
    const { code, document } = await driftOn(a);
    expect([code, document.drift[0]?.groups.map(({ nodes, isMinority }) => [nodes, isMinority])]).toEqual([
      1,
      [
        [['mac', 'pc-a'], false],
        [['vps'], true],
      ],
    ]);
    expect(Date.parse(document.drift[0]?.since ?? '')).toBeGreaterThanOrEqual(changedAt - 1_000);
    const shown = await a.agent('drift');
    expect(shown.stdout).toMatch(
      /INTERNAL_AUTH_SECRET differs for .*: vps has another value than mac, pc-a; authmesh-agent secret push INTERNAL_AUTH_SECRET --from mac/,
    );
    expect((await a.agent('doctor')).stdout).toContain('vps has another value than mac, pc-a');
    const metrics = await (await fetch(new URL('/metrics', fleet.coordinator.url().replace('ws', 'http')))).text();
    expect(metrics).toMatch(/^authmesh_secrets\{state="differs"\} 1$/m);
    const status = await a.json('status');
    expect([status.code, statusDocument.parse(status.document).drift[0]?.state]).toEqual([1, 'differs']);
    put(vps, before);
    await is(a, ({ state }) => state === 'equal');
    expect((await driftOn(a)).code).toBe(0);
  });

  it('is named a variant where only quotes or line ends differ, and never equal where it was not looked at', async () => {
    const value = secret();
    const { hosts } = await sharing(value);
    const [a, vps, mac] = hosts;
    writeFileSync(fileOf(vps), `${name}="${value}"\r\n`);
    await is(a, ({ variants }) => variants.length > 0);
    expect((await driftOn(a)).document.drift[0]).toMatchObject({
      state: 'differs',
      variants: ['quotes', 'line ends'],
    });
    put(vps, value);
    rmSync(fileOf(mac));
    await is(a, ({ state }) => state === 'unreadable');
    expect((await driftOn(a)).document.coverage).toEqual({
      compared: 2,
      declared: 3,
      unreadable: [{ node: 'mac', name, reason: 'there is no such file' }],
    });
    expect((await a.agent('drift')).stdout).toContain('2 of 3 compared; 1 could not be read on mac');
    writeFileSync(fileOf(mac), 'PORT=80\n');
    await is(a, ({ state }) => state === 'missing');
  });

  it('is stale in the process that was not started again, and known of a host that is away', async () => {
    const [before, after] = [secret(), secret()];
    const pidFile = '../app.pid';
    const { fleet, hosts } = await sharing(before, {
      secrets: [{ name, from: [{ dotenv: '../app.env' }, { env: name, pidFile }] }],
    });
    const [a, vps] = hosts;
    const waits = ['-e', 'setInterval(() => {}, 60_000)'];
    const app = start(process.execPath, waits, { [name]: before }, join(fleet.folder, 'app.log'));
    try {
      writeFileSync(join(vps.home, pidFile), `${app.pid}\n`);
      await is(a, ({ state, compared }) => state === 'equal' && compared === 4);
      for (const host of hosts) put(host, after);
      await is(a, ({ groups, stale }) => groups.length === 1 && stale.length === 1);
      const shown = await a.agent('drift');
      expect(shown.stdout).toMatch(/INTERNAL_AUTH_SECRET is stale in process on vps: .*\(pid \d+\).*; restart it/);
      await vps.stop();
      await is(a, ({ away }) => away.includes('vps'));
      expect((await a.agent('drift')).stdout).toContain('Away, and compared by what they told last: vps');
    } finally {
      await app.stop();
    }
    const outputs = await Promise.all([a.agent('drift', '--json'), a.agent('status', '--json'), a.agent('drift')]);
    for (const value of [before, after]) {
      expect(outputs.filter(({ stdout, stderr }) => `${stdout}${stderr}`.includes(value))).toEqual([]);
      expect(filesWith(fleet.folder, value).filter(path => !path.endsWith('app.env'))).toEqual([]);
    }
    expect(filesWith(fleet.folder, after)).toHaveLength(names.length);
  });
});
