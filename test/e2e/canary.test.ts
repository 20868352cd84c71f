import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Crash, crashFile } from './crash/crash-point.ts';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import { readCode, withUrls } from './harness/join-code.ts';
import { type Entry, hour, type Owner, oauth, owner } from './harness/login.ts';
import { type Receiver, startReceiver } from './harness/receiver.ts';
import { type Fleet, need, useStage } from './harness/stage.ts';
import { openTap, payloads, type Tap } from './harness/tap.ts';
import { filesWith, holds } from './harness/traces.ts';

const stage = useStage();
const crashing = [process.execPath, fileURLToPath(new URL('./crash/agent-entry.ts', import.meta.url))] as const;

/** Every secret that was planted, by what it is; each is found by its own mark. */
const planted = new Map<string, string | Buffer>();

/** A token with a mark that stands nowhere else. */
function plant(what: string): string {
  const mark = `canary-${randomBytes(20).toString('hex')}`;
  planted.set(what, mark);
  return `${mark}-${randomBytes(12).toString('base64url')}`;
}

/** A sign-in whose every secret is marked. */
function marked(login: Owner, what: string, lifeMs = hour): Entry {
  const secrets = { access: plant(`${what} access`), refresh: plant(`${what} refresh`), idToken: plant(`${what} id`) };
  return { ...oauth(login, lifeMs), ...secrets };
}

let fleet: Fleet;
let pcA: Host;
let t440: Host;
let hook: Receiver;
let network: Tap;
let control: Tap;
const printed: Buffer[] = [];
const login = owner();
const setupToken = owner('anthropic');
const key = owner('openrouter');

/** Keeps all that a command prints. */
async function listen(host: Host, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await host.agent(...args);
  printed.push(Buffer.from(stdout), Buffer.from(stderr));
  return stdout;
}

beforeAll(async () => {
  hook = await startReceiver();
  const alerts = [
    { kind: 'webhook', url: `${hook.url}/${plant('address')}`, headers: { authorization: plant('header') } },
  ];
  fleet = await stage.fleet({ coordinator: { configuration: { alerts } } });
  network = await openTap(
    { port: 0, host: '127.0.0.1' },
    { port: Number(new URL(fleet.coordinator.url()).port), host: '127.0.0.1' },
  );
  const viaTap = (code: string) => withUrls(code, () => [`ws://127.0.0.1:${network.port}`]);
  pcA = fleet.host('pc-a');
  t440 = fleet.host('t440', { command: [...crashing] });

  pcA.store().put(login.profile, marked(login, 'first'));
  pcA
    .store()
    .put(setupToken.profile, { type: 'token', provider: 'anthropic', token: plant('token'), email: 'a@example.test' });
  pcA.store().put(key.profile, { type: 'api_key', provider: key.provider, key: plant('key'), email: 'b@example.test' });
  t440.store().put(login.profile, marked(login, 'dead', -hour));
  const odd = {
    x: { access: plant('odd') },
    'y:z': { type: 'oauth', access: plant('nobody’s'), notes: [plant('note')] },
  };
  t440.store('odd').write(JSON.stringify({ version: 1, profiles: odd, extra: plant('extra') }));
  t440.store('halved').write(`{"version":1,"profiles":{"a:b":{"type":"oauth","access":"${plant('halved')}`);
  t440
    .store('twice')
    .write(`{"version":1,"${plant('twice')}":1,"${plant('other')}":2,"profiles":{"a":${plant('bare')}}}`);

  const enter = async (host: Host, code: string) =>
    need(await host.agent('join', code, '--name', host.name, '--state-dir', host.stateDir), `${host.name} joins`);
  await enter(pcA, viaTap(fleet.coordinator.foundingCode() ?? ''));
  pcA.configure({ sync: { apiKeys: true } });
  await pcA.start('--log-level', 'debug');
  const socket = join(pcA.home, 'control.sock');
  renameSync(socket, `${socket}.behind`);
  control = await openTap({ path: socket }, { path: `${socket}.behind` });
  const { code } = (await pcA.json<{ code: string }>('invite')).document;
  await enter(t440, code);
  planted.set('invite', Buffer.from(readCode(code).secret));
  await t440.start('--log-level', 'debug');
  await t440.store().holds(login.profile, pcA.store().entry(login.profile) ?? {});

  for (const what of ['second', 'third']) {
    const renewed = marked(login, what);
    pcA.store().put(login.profile, renewed);
    await t440.store().holds(login.profile, renewed);
  }
  const parallel = { ...login, profile: `${login.profile}-too` };
  t440.store('odd').put(parallel.profile, marked(parallel, 'parallel'));
  await t440.accountIs(login, account => account?.state === 'parallel');

  const formats = [['--json'], []];
  await Promise.all([pcA, t440].flatMap(host => formats.map(format => listen(host, 'status', ...format))));
  await Promise.all(['nodes', 'doctor', 'invite', 'validate'].map(command => listen(t440, command, '--json')));
  await listen(pcA, 'explain', login.profile, '--json');
  await listen(t440, 'adopt', '--all', '--json');
  await listen(pcA, 'restore', login.profile, '--revision', '1', '--json');
  await listen(pcA, 'link', setupToken.profile, 'pc-a', 't440', '--json');
  for (const args of [
    ['status', '--json'],
    ['status'],
    ['validate', '--print'],
    ['backup', join(fleet.folder, 'copy')],
  ]) {
    const { stdout, stderr } = await fleet.coordinator.command(...args);
    printed.push(Buffer.from(stdout), Buffer.from(stderr));
  }

  await shareSecret();

  const words = `cannot use ${plant('crash')}`;
  writeFileSync(join(dirname(t440.stateDir), crashFile), JSON.stringify({ step: 'edited', words } satisfies Crash));
  pcA.store().put(login.profile, marked(login, 'last'));
  const crashed = await t440.daemon().ended;
  expect(crashed.code).toBe(1);
  printed.push(Buffer.from(crashed.stdout), Buffer.from(crashed.stderr));
}, 90_000);

/** A secret that both hosts have: it differs, is told, pushed, and rotated; what is run for it leaves its arguments in a file. */
async function shareSecret(): Promise<void> {
  const name = 'SHARED_SECRET';
  const [value, differing] = [plant('shared'), plant('differing')];
  const listArguments = [
    '/bin/sh',
    '-c',
    `cat > /dev/null; cat /proc/$$/cmdline /proc/$PPID/cmdline >> ${fleet.folder}/arguments`,
  ];
  const declared = { name, from: { dotenv: '../app.env' }, to: [{ dotenv: '../app.env' }, { command: listArguments }] };
  for (const host of [pcA, t440]) {
    writeFileSync(envOf(host), `${name}=${host === pcA ? value : differing}\n`);
    host.configure({
      secrets: [{ ...declared, ...(host === pcA ? { rotate: { every: '30d', command: listArguments } } : {}) }],
    });
    process.kill(host.daemon().pid, 'SIGHUP');
  }
  await hook.hears(/SHARED_SECRET/, 'somebody is told of the secret');
  for (const args of [
    ['drift'],
    ['drift', '--json'],
    ['alerts'],
    ['alerts', '--json'],
    ['status', '--json'],
    ['doctor'],
    ['validate', '--print'],
  ])
    await listen(t440, ...args);
  await listen(pcA, 'secret', 'push', name, '--json');
  await hook.hears(/resolved/, 'somebody is told that it is over');
  await listen(t440, 'secret', 'rotate', name, '--json');
  const rotated = /=(.*)$/m.exec(readFileSync(envOf(t440), 'utf8'))?.[1] ?? '';
  expect([rotated === value, rotated.length > 40]).toEqual([false, true]);
  planted.set('rotated', rotated);
  const metrics = await fetch(new URL('/metrics', fleet.coordinator.url().replace('ws', 'http')));
  printed.push(Buffer.from(await metrics.text()), ...hook.taken.map(({ body }) => Buffer.from(body)));
  for (const args of [
    ['audit', '--verify'],
    ['audit', '--json'],
    ['validate', '--print'],
  ]) {
    const { stdout, stderr } = await fleet.coordinator.command(...args);
    printed.push(Buffer.from(stdout), Buffer.from(stderr));
  }
}

const envOf = ({ home }: Host) => join(dirname(home), 'app.env');

afterAll(async () => {
  await hook?.stop();
  await network?.close();
  await control?.close();
});

describe('a secret', () => {
  it('is found where it is planted, in every form: the search works', () => {
    const mark = `canary-${randomBytes(20).toString('hex')}`;
    const bytes = Buffer.from(mark);
    const forms = [mark, [...mark].reverse().join(''), bytes.toString('hex')];
    for (const before of ['', 'a', 'bc']) {
      for (const form of ['base64', 'base64url'] as const) forms.push(Buffer.from(`${before}${mark}d`).toString(form));
    }
    const file = join(fleet.folder, 'planted');
    for (const form of forms) {
      writeFileSync(file, `before ${form} after`);
      expect(filesWith(fleet.folder, mark)).toEqual([file]);
    }
    writeFileSync(file, '');
    expect(filesWith(fleet.folder, mark)).toEqual([]);
    // And the taps let words through: what is no secret is seen on each.
    expect(payloads(Buffer.concat(network.sent('client').slice(-1))).length).toBeGreaterThan(0);
    expect(network.sent('client').some(stream => holds(payloads(stream), login.profile))).toBe(true);
    expect(network.sent('server').some(stream => holds(payloads(stream), login.profile))).toBe(true);
    expect(control.sent('server').some(stream => holds(stream, login.profile))).toBe(true);
    expect(printed.some(bytes => holds(bytes, login.profile))).toBe(true);
  });

  it('is in no file but the stores that it belongs to', async () => {
    await until(
      'no store holds the fleet’s refresh token',
      () => pcA.store().entry(login.profile)?.refresh === undefined,
    );
    const stores = [pcA.store(), t440.store(), t440.store('odd'), t440.store('halved'), t440.store('twice')];
    const configuration = join(fleet.coordinator.dataDir, 'coordinator.json');
    const allowed = new Set([...stores.map(store => store.path), envOf(pcA), envOf(t440), configuration]);
    for (const [what, mark] of planted) {
      const elsewhere = filesWith(fleet.folder, mark).filter(path => !allowed.has(path));
      expect(elsewhere, what).toEqual([]);
    }
    const only = (what: string) => filesWith(fleet.folder, planted.get(what) ?? what);
    expect(only('token')).toEqual([pcA.store().path, t440.store().path]);
    expect(only('key')).toEqual([pcA.store().path]);
    expect(only('rotated')).toEqual([envOf(pcA), envOf(t440)]);
    expect(readFileSync(join(fleet.folder, 'arguments'), 'utf8')).toContain('/bin/sh');
    expect(only('halved')).toEqual([t440.store('halved').path]);
    expect(only('parallel refresh')).toEqual([t440.store('odd').path]);
    for (const gone of [
      ...['first refresh', 'second refresh', 'last refresh', 'dead refresh'],
      ...['shared', 'differing', 'crash', 'invite'],
    ])
      expect(only(gone)).toEqual([]);
  });

  it('passes over no wire and is printed nowhere', () => {
    const wires = [...network.sent('client'), ...network.sent('server')];
    const heard = [
      ...wires,
      ...wires.map(payloads),
      ...control.sent('client'),
      ...control.sent('server'),
      ...printed,
      Buffer.from(pcA.daemon().stderr()),
      Buffer.from(fleet.coordinator.daemon().stderr()),
    ];
    for (const [what, mark] of planted)
      expect(
        heard.some(bytes => holds(bytes, mark)),
        what,
      ).toBe(false);
  });

  it('of the fleet or of a node stays with the members', () => {
    const identities = [pcA, t440].map(host => join(host.home, 'identity.json'));
    const [ours] = identities.map(path => JSON.parse(readFileSync(path, 'utf8')));
    const { fleetKey, fingerprintKey } = ours.membership.secrets;
    const wires = [...network.sent('client'), ...network.sent('server')].flatMap(stream => [stream, payloads(stream)]);
    for (const [text, owners] of [
      [fleetKey, identities],
      [fingerprintKey, identities],
      [ours.signingSeed, identities.slice(0, 1)],
      [ours.boxSecret, identities.slice(0, 1)],
    ]) {
      const bytes = Buffer.from(text, 'base64');
      expect(filesWith(fleet.folder, bytes)).toEqual(owners.toSorted());
      expect([...wires, ...printed].some(heard => holds(heard, bytes))).toBe(false);
    }
    const coordinatorKeys = JSON.parse(readFileSync(join(fleet.coordinator.dataDir, 'keys.json'), 'utf8'));
    const seed = Buffer.from(coordinatorKeys.signingSeed, 'base64');
    expect(filesWith(fleet.folder, seed)).toEqual([join(fleet.coordinator.dataDir, 'keys.json')]);
  });
});
