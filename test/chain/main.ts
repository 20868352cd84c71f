import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { setup as buildPrograms } from '../e2e/harness/build.ts';
import { createCoordinator } from '../e2e/harness/coordinator.ts';
import { createHost, type Host } from '../e2e/harness/host.ts';
import { type Owner, owner } from '../e2e/harness/login.ts';
import { storeFile } from '../e2e/harness/store-file.ts';
import { type OAuthServer, startOAuthServer } from '../oauth/server.ts';
import { startClaw, type Turns } from './claw.ts';

/*
 * The chain that died: seven agents on three hosts with six copies of one login, whose refresh token is good for one use.
 * Side by side: each renewing on its own, and under authmesh. `npm run chain -- --minutes 10`.
 */

const lifeSeconds = 30;
/** Agents of each host; the last one of the third host has no copy. */
const agentsOf = { 'pc-a': ['main', 'work'], t440: ['main', 'work', 'night'], mac: ['main', 'idle'] } as const;
type Name = keyof typeof agentsOf;
const names = Object.keys(agentsOf) as Name[];

const minutes = Number(process.argv[process.argv.indexOf('--minutes') + 1] ?? 2);
if (!process.argv.includes('--minutes') && process.argv.length > 2) fail('the only option is --minutes N');
if (!(minutes > 0 && minutes <= 600)) fail(`--minutes has to be a number from 1 to 600`);

function fail(why: string): never {
  process.stderr.write(`chain: ${why}\n`);
  process.exit(64);
}

buildPrograms();
const folder = await mkdtemp(join(tmpdir(), 'authmesh-chain-'));
const ends: (() => Promise<unknown>)[] = [];

/** A server and its agents; each has a fresh copy of one login by hand, but the last. */
async function startSide(side: string): Promise<Side> {
  const home = join(folder, side);
  await mkdir(home);
  const server = await startOAuthServer({ folder: home, lifeSeconds });
  ends.push(server.stop);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), await readFile(server.caFile, 'utf8')]);
  const login = owner('acme');
  const hosts = names.map(name =>
    createHost({ folder: home, name, environment: { NODE_EXTRA_CA_CERTS: server.caFile } }),
  );
  return { folder: home, server, login, hosts };
}

interface Side {
  readonly folder: string;
  readonly server: OAuthServer;
  readonly login: Owner;
  readonly hosts: readonly Host[];
}

async function handOut({ server, login, hosts }: Side): Promise<void> {
  const { access, refresh, expiresAt } = await server.issue(login.account);
  const entry = { type: 'oauth', provider: 'acme', access, refresh, expires: expiresAt, accountId: login.account };
  for (const [index, host] of hosts.entries()) {
    for (const agent of agentsOf[names[index] ?? 'pc-a']) {
      if (agent !== 'idle') storeFile(host.stateDir, agent).put(login.profile, entry);
    }
  }
}

function use({ server, login, hosts }: Side): Turns[] {
  return hosts.flatMap((host, index) =>
    agentsOf[names[index] ?? 'pc-a'].flatMap(agent => {
      if (agent === 'idle') return [];
      const claw = startClaw(server, storeFile(host.stateDir, agent), login.profile);
      ends.push(claw.stop);
      return [claw.turns];
    }),
  );
}

async function startFleet({ folder: home, server, hosts }: Side): Promise<void> {
  const coordinator = createCoordinator({ folder: home });
  ends.push(() => coordinator.stop());
  await coordinator.start();
  let code = coordinator.foundingCode() ?? '';
  for (const host of hosts) {
    const joined = await host.agent('join', code, '--name', host.name, '--state-dir', host.stateDir);
    if (joined.code !== 0) throw new Error(`${host.name} does not join: ${joined.stderr}`);
    const { tokenEndpoint, clientId } = server;
    host.configure({ custody: 'vault', providers: { acme: { tokenEndpoint, clientId } } });
    ends.push(() => host.stop());
    await host.start();
    if (host === hosts[0]) code = (await host.json<{ code: string }>('invite', '--uses', '5')).document.code;
  }
  await Promise.all(hosts.map(host => host.online()));
}

const sum = (turns: readonly Turns[]) => ({
  good: turns.reduce((all, { good }) => all + good, 0),
  failed: turns.reduce((all, { failed }) => all + failed, 0),
});

let status = 1;
try {
  const [alone, meshed] = [await startSide('alone'), await startSide('meshed')];
  await startFleet(meshed);
  await handOut(alone);
  await handOut(meshed);
  const [aloneTurns, meshedTurns] = [use(alone), use(meshed)];
  await delay(minutes * 60_000);
  for (const end of ends.splice(0).reverse()) await end();
  const rows = [
    { side: 'each on its own', turns: sum(aloneTurns), counts: alone.server.counts() },
    { side: 'under authmesh', turns: sum(meshedTurns), counts: meshed.server.counts() },
  ];
  process.stdout.write(`${minutes} minutes, tokens of ${lifeSeconds} s, six copies of one login\n\n`);
  process.stdout.write('                 good turns  failed turns  refreshes  reuses  refused\n');
  for (const { side, turns, counts } of rows) {
    const figures = [turns.good, turns.failed, counts.exchanges, counts.reuses, counts.refused];
    const widths = [11, 14, 11, 8, 9];
    process.stdout.write(
      `${side.padEnd(16)}${figures.map((figure, at) => String(figure).padStart(widths[at] ?? 9)).join('')}\n`,
    );
  }
  const [before, after] = rows;
  const died = (before?.counts.reuses ?? 0) > 0 && (before?.turns.failed ?? 0) > 0;
  const lived = after?.counts.reuses === 0 && after.counts.refused === 0 && after.turns.failed === 0;
  const refreshed = (after?.counts.exchanges ?? 0) >= Math.floor((minutes * 60) / lifeSeconds) - 1;
  if (!died) process.stderr.write('chain: the login of those on their own did not die: this shows nothing\n');
  if (!lived || !refreshed)
    process.stderr.write('chain: the login under authmesh was refused, reused or not renewed\n');
  status = died && lived && refreshed ? 0 : 1;
} finally {
  for (const end of ends.reverse()) await end();
  if (status === 0) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  else process.stderr.write(`chain: ${folder} is kept\n`);
}
process.exit(status);
