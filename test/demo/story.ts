import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createHost, type Held, type Host, readHost, renew } from './host.ts';
import { createLogin, day, type Login } from './login.ts';
import type { Programs } from './program.ts';
import { agentCount, returnByHand, returnInWaves, sessionLimit, writePools } from './return.ts';
import { searchSecrets } from './search.ts';
import type { Judgement } from './service.ts';

/** What became of one host, read from its files. */
export interface HostOutcome {
  readonly host: Host;
  readonly before: readonly Held[];
  readonly after: readonly Held[];
  /** From the start of its agent until every store held the fleet's login; null: it had it all along. */
  readonly tookMs: number | null;
}

/** The whole run. */
export interface Outcome {
  readonly startedAt: number;
  readonly pcA: HostOutcome;
  readonly t440: HostOutcome;
  readonly mac: HostOutcome;
  /** The pair that pc-a had first, and that the Mac still had. */
  readonly first: Login;
  readonly current: Login;
  /** By `authmesh-agent status`, on every host. */
  readonly fingerprint: string;
  readonly history: readonly { readonly origin: string; readonly verdict: string }[];
  /** Outside of the hosts' own stores and homes. */
  readonly searchedBytes: number;
  readonly url: string;
  /** The service's own log of both halves. */
  readonly byHand: Judgement;
  readonly inWaves: Judgement;
}

const healMs = 40_000;

/** Plays both halves of the outage with real processes on real files. Fails with a sentence when the promise is not kept. */
export async function playOutage(
  folder: string,
  programs: Programs,
  say: (sentence: string) => void,
): Promise<Outcome> {
  const startedAt = Date.now();
  const first = createLogin(6 * day);
  const lost = createLogin(-2 * 3_600_000);
  const pcA = await createHost(folder, 'pc-a', 1, first);
  const t440 = await createHost(folder, 't440', agentCount, lost, startedAt);
  const mac = await createHost(folder, 'mac', 1, first);
  const before = { pcA: await readHost(pcA), t440: await readHost(t440), mac: await readHost(mac) };

  const byHand = await returnByHand(folder, lost);
  say(
    `Without authmesh: an operator copies live tokens into 15 stores. The service takes ${sessionLimit} at once and refuses ${byHand.refused}.`,
  );

  const central = join(folder, 'central');
  await writePools(central);
  const coordinator = programs.start(
    'coordinator',
    'authmesh-coordinator',
    ['run', '--listen', '127.0.0.1:0', '--json'],
    central,
  );
  const { url, foundingCode } = JSON.parse(await coordinator.line(/"event":"listening"/));
  say(`A coordinator listens on ${url}. It sorts logins and cannot read one.`);

  const agent = (host: Host, ...args: string[]) => programs.run('authmesh-agent', args, host.home);
  const enlist = (host: Host, code: string) => agent(host, 'join', code, '--name', host.name);
  const daemon = (host: Host) => programs.start(host.name, 'authmesh-agent', ['run'], host.home);

  await enlist(pcA, foundingCode);
  daemon(pcA);
  await awaitShared(agent, pcA, 1);
  say('pc-a has the live login; its agent keeps it for the fleet.');
  const { code } = JSON.parse(await agent(pcA, 'invite', '--uses', '2', '--json'));
  await enlist(mac, code);
  say('mac has the same pair, copied by hand last week. It joins, and falls asleep before its agent ever runs.');

  const current = createLogin(10 * day);
  await renew(pcA, current);
  await awaitShared(agent, pcA, 2);
  say('OpenClaw on pc-a refreshes the login: the pair on the sleeping mac is spent from now on.');

  await enlist(t440, code);
  say(
    't440 restarts its gateway: 15 agents read tokens that ended two hours ago, all are locked out. Its agent starts.',
  );
  let t440Ms = 0;
  const inWaves = await returnInWaves(t440, current, async () => {
    t440Ms = await heal(t440, current, () => daemon(t440));
  });
  say(
    `They come back in waves, one first: ${inWaves.started} sessions, at most ${inWaves.mostAtOnce} at once, none refused.`,
  );
  say('mac wakes up with its old pair, which still looks alive for six days. Its agent starts.');
  const macMs = await heal(mac, current, () => daemon(mac));
  await awaitShared(agent, mac, 2);

  const after = { pcA: await readHost(pcA), t440: await readHost(t440), mac: await readHost(mac) };
  needAll(after.pcA, current, 'pc-a');
  needAll(after.mac, current, 'mac');
  needAll(after.t440, current, 't440');
  const fingerprints = new Set<string>();
  for (const host of [pcA, t440, mac]) fingerprints.add((await statusOf(agent, host)).fingerprint);
  const [fingerprint = '', ...others] = fingerprints;
  if (others.length > 0) throw new Error('the hosts do not show the same fingerprint');
  const { history } = JSON.parse(await agent(mac, 'explain', 'openai-codex:default', '--json'));
  const searchedBytes = await searchTraces(folder, [first, lost, current]);
  return {
    startedAt,
    pcA: { host: pcA, before: before.pcA, after: after.pcA, tookMs: null },
    t440: { host: t440, before: before.t440, after: after.t440, tookMs: t440Ms },
    mac: { host: mac, before: before.mac, after: after.mac, tookMs: macMs },
    first,
    current,
    fingerprint,
    history,
    searchedBytes,
    url,
    byHand,
    inWaves,
  };
}

/** Starts the host's agent and waits until every store of it holds the login; the milliseconds that this took. */
async function heal(host: Host, login: Login, start: () => void): Promise<number> {
  const begun = performance.now();
  start();
  while (performance.now() - begun < healMs) {
    const held = await readHost(host);
    if (held.every(({ access }) => access === login.access)) return performance.now() - begun;
    await wait(10);
  }
  const late = (await readHost(host)).filter(({ access }) => access !== login.access).length;
  throw new Error(`${late} of ${host.stores.length} stores of ${host.name} have not been healed after ${healMs} ms`);
}

type Ask = (host: Host, ...args: string[]) => Promise<string>;

/** `status` of a host's agent, of the only account; `revision` 0 before the coordinator has it. */
async function statusOf(agent: Ask, host: Host): Promise<{ revision: number; fingerprint: string }> {
  const { accounts } = JSON.parse(await agent(host, 'status', '--json'));
  return { revision: accounts[0]?.revision ?? 0, fingerprint: accounts[0]?.fingerprint ?? '' };
}

async function awaitShared(agent: Ask, host: Host, revision: number): Promise<void> {
  const deadline = performance.now() + healMs;
  let trouble = 'no answer';
  while (performance.now() < deadline) {
    try {
      if ((await statusOf(agent, host)).revision >= revision) return;
      trouble = 'it is not shared yet';
    } catch (error) {
      // Until the daemon is up the command says so.
      trouble = error instanceof Error ? error.message : String(error);
    }
    await wait(20);
  }
  throw new Error(`${host.name} does not have revision ${revision} of the login: ${trouble}`);
}

function needAll(held: readonly Held[], login: Login, name: string): void {
  if (held.some(({ access }) => access !== login.access)) throw new Error(`an old login was spread to ${name}`);
}

/** Tokens belong into OpenClaw's stores alone: the coordinator's folder, the agents' homes and every log are searched. */
async function searchTraces(folder: string, logins: readonly Login[]): Promise<number> {
  const secrets = logins.flatMap(({ access, refresh }) => [access, refresh]);
  const { bytes, files } = await searchSecrets(folder, secrets);
  const leaks = files.filter(file => !file.endsWith('auth-profiles.json'));
  if (leaks.length > 0) throw new Error(`a token stands in ${leaks.join(', ')}`);
  return bytes;
}
