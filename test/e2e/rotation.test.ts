import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AlertStatus } from '@authmesh/agent/io/alert-status';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { driftDocument } from './harness/drift-document.ts';
import type { Host } from './harness/host.ts';
import { type Receiver, startReceiver } from './harness/receiver.ts';
import { type Fleet, useStage } from './harness/stage.ts';
import { filesWith } from './harness/traces.ts';

const stage = useStage();
const name = 'OPENCLAW_GATEWAY_TOKEN';
const receivers: Receiver[] = [];
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop();
});

const fileOf = ({ home }: Host) => join(dirname(home), 'app.env');
const tokenIn = (file: string) => /^OPENCLAW_GATEWAY_TOKEN=(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1];

/** A gateway on the first host, which accepts the token that it was last started with, and clients of it on the others. */
async function gatewayWithClients(): Promise<{
  readonly fleet: Fleet;
  readonly hosts: readonly [Host, Host, Host];
  readonly old: string;
  /** What the gateway accepts. */
  readonly accepted: () => string | undefined;
  readonly folder: string;
  /** Hosts whose clients it turns away. */
  readonly turnedAway: () => string[];
  readonly hook: Receiver;
}> {
  const hook = await startReceiver();
  receivers.push(hook);
  const configuration = { alerts: [{ kind: 'webhook', url: hook.url }] };
  const fleet = await stage.fleet({ coordinator: { configuration } });
  const { folder } = fleet;
  const old = `rotation-${randomBytes(12).toString('hex')}`;
  const live = join(folder, 'live.env');
  const restart = join(folder, 'restart');
  writeFileSync(live, `${name}=${old}\n`);
  const hosts: Host[] = [];
  for (const each of ['gate', 'vps', 'mac']) {
    const host = fleet.host(each);
    await fleet.join(host);
    writeFileSync(fileOf(host), `# of ${each}\n${name}=${old}\n`);
    const rotate = {
      every: '30d',
      command: [restart],
      verify: ['/bin/sh', '-c', `grep -q "$AUTHMESH_SECRET" ${live}`],
    };
    const declared = { name, from: [{ dotenv: '../app.env' }], to: { dotenv: '../app.env' } };
    host.configure({ secrets: [each === 'gate' ? { ...declared, rotate } : declared] });
    hosts.push(host);
  }
  // As a service manager does it: the gateway reads its file when it is started again.
  writeFileSync(restart, `#!/bin/sh\n. ${folder}/behaviour\ncp ${fileOf(hosts[0] as Host)} ${live}\n`);
  writeFileSync(join(folder, 'behaviour'), '');
  chmodSync(restart, 0o755);
  for (const host of hosts) await host.start('--log-level', 'debug');
  await until('all are compared', async () => (await hosts[0]?.status())?.drift[0]?.compared === 3);
  const accepted = () => tokenIn(live);
  return {
    ...{ fleet, folder, old, accepted, hook },
    hosts: hosts as [Host, Host, Host],
    turnedAway: () => hosts.filter(host => tokenIn(fileOf(host)) !== accepted()).map(({ name: host }) => host),
  };
}

const rotate = (host: Host) =>
  host.json<{ rotated: boolean; pending: string[]; why: string | null }>('secret', 'rotate', name);

describe('a rotation', () => {
  it('gives every host the new value, also the one that was away; nothing tells the old or the new one', async () => {
    const { fleet, hosts, old, accepted, turnedAway, folder } = await gatewayWithClients();
    const [gate, vps, mac] = hosts;
    await mac.stop();
    const { code, document } = await rotate(vps);
    expect([code, document]).toEqual([1, expect.objectContaining({ rotated: true, pending: ['mac'], why: null })]);
    expect([accepted() === old, turnedAway()]).toEqual([false, ['mac']]);
    expect(driftDocument.parse((await gate.json('drift')).document).drift[0]?.rotation).toMatchObject({
      phase: 'spreading',
      pending: ['mac'],
      node: 'gate',
    });
    await mac.start('--log-level', 'debug');
    await until('the late host has it too', () => turnedAway().length === 0);
    expect(readFileSync(fileOf(mac), 'utf8')).toBe(`# of mac\n${name}=${accepted()}\n`);
    await until('it is over', async () => {
      const { drift } = (await gate.json<{ drift: { rotation: { phase: string } }[] }>('drift')).document;
      return drift[0]?.rotation.phase === 'resting';
    });
    const again = await rotate(gate);
    expect([again.code, again.document.pending]).toEqual([0, []]);
    expect(turnedAway()).toEqual([]);
    const trail = await fleet.coordinator.command('audit', '--verify', '--json');
    expect(JSON.parse(trail.stdout).entries.map(({ action }: { action: string }) => action)).toEqual(
      expect.arrayContaining(['rotate', 'rotated']),
    );
    const metrics = await (await fetch(new URL('/metrics', fleet.coordinator.url().replace('ws', 'http')))).text();
    const said = [
      trail.stdout,
      metrics,
      (await gate.agent('status', '--json')).stdout,
      (await gate.agent('alerts')).stdout,
    ];
    for (const value of [old, accepted() ?? '']) {
      expect(said.filter(text => text.includes(value))).toEqual([]);
      expect(filesWith(folder, value).filter(path => !path.endsWith('.env'))).toEqual([]);
    }
  });

  it('whose command fails changes nothing, and is told', async () => {
    const { hosts, old, accepted, turnedAway, folder, hook } = await gatewayWithClients();
    const [gate] = hosts;
    writeFileSync(
      join(folder, 'behaviour'),
      `grep -q "$AUTHMESH_SECRET_BEFORE" ${join(folder, 'live.env')} && exit 3\n`,
    );
    const { code, document } = await rotate(gate);
    expect([code, document.rotated, document.why]).toEqual([1, false, expect.stringContaining('ended with status 3')]);
    expect([accepted() === old, turnedAway(), tokenIn(fileOf(gate)) === old]).toEqual([true, [], true]);
    await hook.hears(/OPENCLAW_GATEWAY_TOKEN was not rotated/, 'somebody is told');
    expect((await gate.json<AlertStatus>('alerts')).document.incidents[0]).toMatchObject({ kind: 'rotation-failed' });
    writeFileSync(join(folder, 'behaviour'), '');
    expect((await rotate(gate)).code).toBe(0);
    expect([accepted() === old, turnedAway()]).toEqual([false, []]);
  });

  it('whose host is killed before the switch changes nothing; in the middle of it, it goes on when the host is back', async () => {
    const { hosts, old, accepted, turnedAway, folder } = await gatewayWithClients();
    const [gate, vps] = hosts;
    const marker = join(folder, 'hanging');
    const hang = `echo $$ > ${marker}; sleep 120\n`;
    const killed = async (during: Promise<unknown>) => {
      await until('it hangs', () => existsSync(marker) && readFileSync(marker, 'utf8').endsWith('\n'));
      await gate.daemon().kill();
      process.kill(-Number(readFileSync(marker, 'utf8')), 'SIGKILL');
      rmSync(marker);
      await during;
    };

    const declared = { name, from: [{ dotenv: '../app.env' }], to: { dotenv: '../app.env' } };
    const command = [join(folder, 'restart')];
    gate.configure({
      secrets: [{ ...declared, rotate: { every: '30d', command, generate: ['/bin/sh', '-c', hang] } }],
    });
    process.kill(gate.daemon().pid, 'SIGHUP');
    await until('the configuration is read', () => gate.daemon().stderr().includes('"configuration-read"'));
    const first = rotate(vps);
    await killed(first);
    expect((await first).document).toMatchObject({ rotated: false, why: expect.stringContaining('before the switch') });
    expect([accepted() === old, turnedAway()]).toEqual([true, []]);

    gate.configure({ secrets: [{ ...declared, rotate: { every: '30d', command } }] });
    await gate.start('--log-level', 'debug');
    await gate.online();
    writeFileSync(join(folder, 'behaviour'), hang);
    const second = vps.agent('secret', 'rotate', name);
    await killed(Promise.resolve());
    // Its own file has the new value, the gateway still takes the old one, which is what the clients have.
    expect(turnedAway()).toEqual(['gate']);
    writeFileSync(join(folder, 'behaviour'), '');
    await gate.start('--log-level', 'debug');
    await until('it went on', () => accepted() !== old && turnedAway().length === 0);
    expect((await second).code).toBe(0);
  });
});
