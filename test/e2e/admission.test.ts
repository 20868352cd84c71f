import { cpSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeJoinCode } from '@authmesh/shared/crypto/join-code';
import { describe, expect, it } from 'vitest';
import { until } from './harness/condition.ts';
import { doctorDocument, nodesDocument } from './harness/contract.ts';
import { createCoordinator } from './harness/coordinator.ts';
import { readCode, withUrls } from './harness/join-code.ts';
import { oauth, owner } from './harness/login.ts';
import { lineOf } from './harness/program.ts';
import { share } from './harness/share.ts';
import { useStage } from './harness/stage.ts';

const stage = useStage();

describe('a join code', () => {
  it('is refused with the reason when it is wrong, cut off, used up, over or of another fleet', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a');
    const [pcA] = hosts;
    const guest = fleet.host('guest');
    const join = (code: string) => guest.agent('join', code, '--name', 'guest', '--state-dir', guest.stateDir);
    const once = (await pcA.json<{ code: string }>('invite')).document.code;
    const brief = (await pcA.json<{ code: string }>('invite', '--ttl', '1s')).document;

    for (const wrong of [
      'nonsense',
      once.slice(0, -8),
      `${once.slice(0, 40)}${once[40] === 'x' ? 'y' : 'x'}${once.slice(41)}`,
    ]) {
      const outcome = await join(wrong);
      expect([outcome.code, outcome.stdout]).toEqual([64, '']);
      expect(outcome.stderr).toMatch(/join code/);
      expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
    }
    const over = (brief as unknown as { expiresAt: string }).expiresAt;
    await until('the code is over', () => Date.now() > Date.parse(over));
    const expired = await join(brief.code);
    expect([expired.code, expired.stderr]).toEqual([77, expect.stringContaining('expired')]);

    // The invite of one fleet, brought to the coordinator of another.
    const other = createCoordinator({ folder: fleet.folder, name: 'other' });
    await other.start();
    const foreign = await join(withUrls(once, () => [other.url()]));
    expect([foreign.code, foreign.stderr]).toEqual([77, expect.stringMatching(/key/)]);
    const { invite, secret } = readCode(other.foundingCode() ?? '');
    await other.stop();
    const smuggled = encodeJoinCode({ ...readCode(once), invite, secret });
    expect((await join(smuggled)).code).toBe(77);

    // None of these has cost the code its one use.
    expect((await join(once)).code).toBe(0);
    expect(await join(once)).toMatchObject({ code: 64, stderr: expect.stringContaining('member already') });
    const late = fleet.host('late');
    const used = await late.agent('join', once, '--name', 'late', '--state-dir', late.stateDir);
    expect([used.code, used.stderr]).toEqual([77, expect.stringContaining('used')]);
    expect((await fleet.coordinator.command('code')).code).toBe(77);
    const nodes = nodesDocument.parse((await pcA.json('nodes')).document);
    expect(nodes.map(({ name }) => name)).toEqual(['pc-a', 'guest']);
  });

  it('is tried at each of its addresses in turn', async () => {
    const fleet = await stage.fleet();
    const host = fleet.host('pc-a');
    const stranger = createCoordinator({ folder: fleet.folder, name: 'stranger' });
    await stranger.start();
    const code = withUrls(fleet.coordinator.foundingCode() ?? '', urls => [
      'ws://127.0.0.1:9',
      stranger.url(),
      ...urls,
    ]);
    const joined = await host.agent('join', code, '--name', 'pc-a', '--state-dir', host.stateDir);
    await stranger.stop();
    expect(joined.code).toBe(0);
    await host.start();
    await host.online();
    expect((await host.status()).coordinator.url).toBe(fleet.coordinator.url());
    const away = withUrls(code, () => ['ws://127.0.0.1:9', 'ws://127.0.0.1:10']);
    const guest = fleet.host('guest');
    const outcome = await guest.agent('join', away, '--name', 'guest', '--state-dir', guest.stateDir);
    expect([outcome.code, outcome.stderr]).toEqual([69, expect.stringContaining('127.0.0.1:10')]);
  });
});

describe('a key', () => {
  it('of another coordinator at the same address is named, and nothing is sent to it', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a');
    const [pcA] = hosts;
    const login = owner();
    await share(login, pcA);
    await fleet.coordinator.stop();
    renameSync(join(fleet.coordinator.dataDir, 'keys.json'), join(fleet.folder, 'keys.json'));
    await fleet.coordinator.start();
    expect(fleet.coordinator.foundingCode()).toBeNull();
    const refused = await lineOf(pcA.daemon(), /"link-refused"/);
    expect(refused).toMatch(/its key is [\w-]+, this host trusts [\w-]+/);
    const outcome = await pcA.agent('nodes');
    expect([outcome.code, outcome.stderr]).toEqual([77, expect.stringContaining(fleet.coordinator.url())]);
    expect((await pcA.agent('doctor')).code).toBe(1);
  });

  it('that two agents use at once lets in the first only, and says so', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a', 't440');
    const [pcA, t440] = hosts;
    const second = await t440.agent('run');
    expect([second.code, second.stderr]).toEqual([75, expect.stringContaining(String(t440.daemon().pid))]);
    // A disk image of one host, started on another.
    const clone = fleet.host('clone');
    cpSync(t440.home, clone.home, { recursive: true, filter: path => !/daemon\.lock|control\./.test(path) });
    const daemon = await clone.start('--state-dir', clone.stateDir);
    const refused = await lineOf(daemon, /"link-refused"/);
    expect(refused).toMatch(/same|twice|already/);
    expect((await clone.status()).coordinator.connected).toBe(false);
    await until('the coordinator says so too', () => fleet.coordinator.daemon().stderr().includes('"node-duplicate"'));
    const login = owner();
    await share(login, pcA, t440);
    expect((await t440.status()).coordinator.connected).toBe(true);
  });
});

describe('an OpenClaw', () => {
  it('has one agent: another home’s is refused, and its doctor names the first', async () => {
    const { fleet, hosts } = await stage.hosts('pc-a');
    const [pcA] = hosts;
    const second = fleet.host('second', { environment: { HOME: dirname(pcA.home) } });
    await fleet.join(second);
    second.configure({ openclaw: { stateDirs: [pcA.stateDir] } });
    const told = new RegExp(`${pcA.home}, as process ${pcA.daemon().pid}`);
    const refused = await second.agent('run');
    expect([refused.code, refused.stderr]).toEqual([75, expect.stringMatching(told)]);
    expect(refused.stderr.trim().split('\n')).toHaveLength(1);
    const { code, document } = await second.json('doctor');
    expect([code, JSON.stringify(doctorDocument.parse(document))]).toEqual([1, expect.stringMatching(told)]);
    expect((await pcA.agent('doctor')).stdout).not.toContain('another agent');
    expect(readdirSync(pcA.stateDir)).toEqual(['agents']);

    // Not at a reload either; and where the first one goes, the second one may come.
    second.configure({ openclaw: { stateDirs: [second.stateDir] } });
    const daemon = await second.start();
    second.configure({ openclaw: { stateDirs: [pcA.stateDir] } });
    daemon.signal('SIGHUP');
    expect(await lineOf(daemon, /"configuration-refused"/)).toContain(pcA.home);
    await pcA.daemon().kill();
    daemon.signal('SIGHUP');
    await lineOf(daemon, /"configuration-read"/);
  });
});

describe('an exit status', () => {
  it('tells usage (64) and configuration (78) from all else', async () => {
    const fleet = await stage.fleet();
    const host = fleet.host('pc-a');
    const misused = [['status', '--nonsense'], ['nonsense'], ['adopt'], ['invite', '--uses', '0'], ['join']];
    for (const [args, outcome] of await Promise.all(
      misused.map(async args => [args, await host.agent(...args)] as const),
    )) {
      expect([args, outcome.code, outcome.stdout]).toEqual([args, 64, '']);
      expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
    }
    for (const outcome of await Promise.all(['status', 'run', 'nodes', 'invite'].map(command => host.agent(command)))) {
      expect([outcome.code, outcome.stderr]).toEqual([78, expect.stringContaining('not a member')]);
    }
    expect((await host.agent('doctor')).code).toBe(1);
    await fleet.join(host);
    host.configure({ sync: { apikeys: true } });
    const invalid = await host.agent('validate');
    expect([invalid.code, invalid.stderr]).toEqual([78, expect.stringMatching(/agent\.json.*apikeys.*apiKeys/s)]);
    expect((await host.agent('run')).code).toBe(78);
    host.configure({ sync: {} });
    expect((await host.agent('validate', '--print')).code).toBe(0);
    host.store().put('x:y', oauth(owner()));
    const listening = await fleet.coordinator.command('run', '--listen', 'nonsense');
    expect([listening.code, listening.stdout]).toEqual([78, '']);
    const twice = await fleet.coordinator.command('run', '--listen', '127.0.0.1:0');
    expect([twice.code, twice.stdout]).toEqual([75, '']);
  });
});
