import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AlertStatus } from '@authmesh/agent/io/alert-status';
import type { PushedNode } from '@authmesh/shared/protocol/push';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import { type Receiver, startReceiver } from './harness/receiver.ts';
import { type Fleet, useStage } from './harness/stage.ts';
import { filesWith } from './harness/traces.ts';

const stage = useStage();
const name = 'INTERNAL_AUTH_SECRET';
const receivers: Receiver[] = [];
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop();
});

const secret = () => `alerts-${randomBytes(12).toString('hex')}`;
const fileOf = ({ home }: Host) => join(dirname(home), 'app.env');
const put = (host: Host, value: string) =>
  writeFileSync(fileOf(host), `# the app\nPORT=80\n${name}=${value} # ours\nLAST=1\n`);
const source = { name, from: [{ dotenv: '../app.env' }] };

async function receiver(): Promise<Receiver> {
  const started = await startReceiver();
  receivers.push(started);
  return started;
}

/** Hosts that share a secret, and a coordinator that tells channels. */
async function sharing(
  names: readonly string[],
  value: string,
  configuration: object,
  secrets: object = { ...source, to: [{ dotenv: '../app.env' }] },
): Promise<{ readonly fleet: Fleet; readonly hosts: readonly Host[] }> {
  const fleet = await stage.fleet({ coordinator: { configuration } });
  const hosts: Host[] = [];
  for (const each of names) {
    const host = fleet.host(each);
    await fleet.join(host);
    put(host, value);
    host.configure({ secrets: [secrets] });
    await host.start('--log-level', 'debug');
    hosts.push(host);
  }
  await compares(hosts[0], 'equal');
  return { fleet, hosts };
}

async function compares(host: Host | undefined, state: string): Promise<void> {
  await until(`the secret is ${state}`, async () => (await host?.status())?.drift[0]?.state === state);
}

describe('somebody is told', () => {
  it('of the secret that differs on one host within seconds, and that it is over once it was pushed', async ({
    annotate,
  }) => {
    const [right, wrong] = [secret(), secret()];
    const [slack, ntfy, hook] = [await receiver(), await receiver(), await receiver()];
    const { fleet, hosts } = await sharing(['pc-a', 'vps', 'mac'], right, {
      alerts: [
        { kind: 'slack', token: 'xoxb-of-the-test', channel: '#ops', api: slack.url },
        { kind: 'ntfy', url: `${ntfy.url}/ops` },
        { kind: 'webhook', url: `${hook.url}/hook`, headers: { authorization: 'Bearer of-the-test' } },
      ],
    });
    const [a, vps] = hosts as [Host, Host, Host];
    const changedAt = Date.now();
    put(vps, wrong);
    const opened = await slack.hears(/differs/, 'Slack hears that it differs');
    const tookMs = opened.at - changedAt;
    const { text } = JSON.parse(opened.body);
    expect(text).toContain(`opened (critical): ${name} differs: vps has another value than mac, pc-a`);
    expect(text).toContain('where: vps');
    expect(text).toContain(`mend: authmesh-agent secret push ${name} --from mac`);
    expect(opened.headers.authorization).toBe('Bearer xoxb-of-the-test');
    expect(await ntfy.hears(/where: vps/, 'ntfy hears it')).toMatchObject({
      path: '/ops',
      headers: { title: `opened (critical): ${name} differs: vps has another value than mac, pc-a`, priority: 'high' },
    });
    const { body, headers } = await hook.hears(/"opened"/, 'the webhook hears it');
    expect([JSON.parse(body).incidents[0], headers.authorization]).toMatchObject([
      { id: `secret/${name}`, kind: 'drift', state: 'open', where: ['vps'], version: 1 },
      'Bearer of-the-test',
    ]);
    const listed = await a.json<AlertStatus>('alerts');
    expect([listed.code, listed.document.open, listed.document.incidents[0]?.id]).toEqual([1, 1, `secret/${name}`]);
    expect((await a.agent('ack', `secret/${name}`)).code).toBe(0);
    expect((await a.agent('alerts')).stdout).toMatch(/INTERNAL_AUTH_SECRET +critical .* pc-a/);

    const pushed = await a.json<{ nodes: PushedNode[] }>('secret', 'push', name, '--from', 'mac');
    const results = pushed.document.nodes.map(({ node, state, results: each }) => [node, state, each[0]?.state]);
    expect([pushed.code, results]).toEqual([
      0,
      [
        ['mac', 'done', 'same'],
        ['pc-a', 'done', 'same'],
        ['vps', 'done', 'written'],
      ],
    ]);
    expect(readFileSync(fileOf(vps), 'utf8')).toBe(`# the app\nPORT=80\n${name}=${right} # ours\nLAST=1\n`);
    const resolved = await slack.hears(/resolved: /, 'Slack hears that it is over');
    expect(JSON.parse(resolved.body)).toMatchObject({ channel: '#ops', thread_ts: '1.0001' });
    expect((await a.json<AlertStatus>('alerts')).code).toBe(0);
    await annotate(`told after ${tookMs} ms; over ${resolved.at - changedAt} ms after the change`);
    expect([slack.taken, ntfy.taken, hook.taken].map(all => all.length)).toEqual([2, 2, 2]);
    // No value is anywhere but where it was put.
    const told = [slack, ntfy, hook].flatMap(({ taken }) => taken.map(one => JSON.stringify(one)));
    const outputs = [listed, pushed].map(({ document }) => JSON.stringify(document));
    for (const value of [right, wrong]) {
      expect([...told, ...outputs].filter(one => one.includes(value))).toEqual([]);
      expect(filesWith(fleet.folder, value).filter(path => !path.endsWith('app.env'))).toEqual([]);
    }
  });

  it('once, however often the receiver was down, and of what stands when it is back; a command too', async () => {
    const [right, wrong] = [secret(), secret()];
    const hook = await receiver();
    const beats = await receiver();
    const file = join(tmpdir(), `authmesh-alerts-${process.pid}.jsonl`);
    const { fleet, hosts } = await sharing(['pc-a', 'vps'], right, {
      alerts: [
        { kind: 'webhook', url: hook.url },
        { kind: 'command', command: ['/bin/sh', '-c', `cat >> ${file}`] },
      ],
      heartbeatUrl: `${beats.url}/alive`,
    });
    const [a, vps] = hosts as [Host, Host];
    await beats.hears(/^$/, 'the monitor is called');
    hook.answer(503, { 'retry-after': '1' });
    put(vps, wrong);
    await until('the webhook was tried', () => hook.refused.length > 0);
    await fleet.coordinator.stop();
    hook.answer(200);
    await fleet.coordinator.start('--log-level', 'debug');
    await hook.hears(/"opened"/, 'it is told after the restart');
    put(vps, right);
    await hook.hears(/"resolved"/, 'it is told that it is over');
    await until('the command was told too', () => readFileSync(file, 'utf8').includes('"resolved"'));
    const events = hook.taken.map(({ body }) => JSON.parse(body).event);
    const commanded = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).event);
    expect([events, commanded]).toEqual([
      ['opened', 'resolved'],
      ['opened', 'resolved'],
    ]);
    const muted = await a.agent('mute', 'secret/*', '--for', '1h');
    expect([muted.code, muted.stdout]).toEqual([0, expect.stringContaining('Nobody is told of secret/* until')]);
    put(vps, wrong);
    await until('it is open', async () => (await a.json<AlertStatus>('alerts')).document.open === 1);
    expect((await a.agent('mute', 'secret/*', '--off')).code).toBe(0);
    await until('it is told when it is muted no more', () => hook.taken.length === 3);
    rmSync(file);
  });
});

describe('a host that has lost its coordinator', () => {
  it('says so by a channel of its own, and again when it is back', async () => {
    const hook = await receiver();
    const { fleet, hosts } = await stage.hosts('pc-a');
    const [a] = hosts;
    a.configure({ alerts: [{ kind: 'webhook', url: hook.url }], coordinatorLostMinutes: 0.05 });
    process.kill(a.daemon().pid, 'SIGHUP');
    await fleet.coordinator.stop();
    const { body } = await hook.hears(/"opened"/, 'the host says that it has lost the coordinator');
    expect(JSON.parse(body).incidents).toMatchObject([
      { id: 'coordinator/pc-a', kind: 'coordinator-away', severity: 'critical', what: 'pc-a has lost the coordinator' },
    ]);
    await fleet.coordinator.start();
    await hook.hears(/"resolved"/, 'the host says that it is back');
    expect(hook.taken).toHaveLength(2);
  });
});

describe('a secret is pushed', () => {
  it('to commands too, by their input or environment and never their arguments; whoever cannot take it is named', async () => {
    const [right, wrong] = [secret(), secret()];
    const { fleet, hosts } = await sharing(['pc-a', 'vps', 'mac', 'nas'], right, {}, source);
    const out = join(fleet.folder, 'pushed');
    const [a, vps, mac, nas] = hosts as [Host, Host, Host, Host];
    for (const host of [vps, mac, nas]) put(host, wrong);
    a.configure({
      secrets: [
        {
          ...source,
          to: [
            {
              command: ['/bin/sh', '-c', `cat > ${out}.stdin; tr '\\0' '\\n' < /proc/self/cmdline > ${out}.arguments`],
            },
          ],
        },
      ],
    });
    vps.configure({
      secrets: [
        { ...source, to: [{ command: `printf %s "$VALUE" > ${out}.variable`, shell: true, variable: 'VALUE' }] },
      ],
    });
    mac.configure({ secrets: [{ ...source, to: [{ dotenv: '../none/app.env' }, { command: ['/bin/false'] }] }] });
    for (const host of [a, vps, mac]) process.kill(host.daemon().pid, 'SIGHUP');
    await compares(a, 'differs');
    await until('all have read their configuration', async () => {
      const { document } = await a.json<{ nodes: PushedNode[] }>('secret', 'push', name);
      return document.nodes.some(({ state }) => state === 'failed');
    });
    await nas.stop();
    const pushed = await a.json<{ nodes: PushedNode[] }>('secret', 'push', name, '--from', 'pc-a');
    expect(pushed.code).toBe(1);
    expect(
      pushed.document.nodes.map(({ node, state, results }) => [node, state, results.map(one => one.why ?? one.state)]),
    ).toEqual([
      ['mac', 'failed', ['there is no such folder', 'false ended with status 1']],
      ['nas', 'away', []],
      ['pc-a', 'done', ['told']],
      ['vps', 'done', ['told']],
    ]);
    expect([readFileSync(`${out}.stdin`, 'utf8'), readFileSync(`${out}.variable`, 'utf8')]).toEqual([right, right]);
    expect(readFileSync(`${out}.arguments`, 'utf8')).not.toContain(right);
    const unknown = await a.agent('secret', 'push', 'NO_SUCH');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('no host compares a secret NO_SUCH')]);
    const absent = await a.agent('secret', 'push', name, '--from', 'nobody');
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('no host or place "nobody"')]);
    expect(filesWith(fleet.folder, right).filter(path => !/app\.env$|\/pushed\./.test(path))).toEqual([]);
  });
});
