import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Fleet, startFleet } from './fleet.ts';
import { type Agent, agents, allAgents, createHost, type Gateway, type Host, provider as providerId } from './host.ts';
import { type OpenClaw, startOpenClaw } from './openclaw.ts';
import { removeFolder } from './program.ts';
import { type Login, type Provider, secret, startProvider } from './provider.ts';
import { installRelease } from './release.ts';

/** The login that both hosts share. */
export const shared = `${providerId}:default`;
/** A key of the second host's own, which OpenClaw falls back to when the login fails. */
export const spare = `${providerId}:spare`;
/** A profile of the second host that nobody but its own OpenClaw touches. */
export const notes = 'lab:notes';

export const hour = 3_600_000;
const deliveryMs = 15_000;

/** Two hosts with a real OpenClaw each, a provider, and a fleet over them. */
export interface Fixture {
  readonly provider: Provider;
  readonly a: Host;
  readonly b: Host;
  readonly openclawA: OpenClaw;
  readonly openclawB: OpenClaw;
  readonly gatewayB: Gateway;
  /** Starts the second host's gateway again under `exec`, with fifteen agents that all have this login. */
  restart(login: Login): Promise<Gateway>;
  readonly fleet: Fleet;
  /** The owner signs in again on the first host: a new login, written as OpenClaw's own login writes it. */
  renew(lifeMs: number): Promise<Login>;
  /** Waits until the store of the second host's agent holds this access token. */
  delivered(access: string, agent?: Agent): Promise<void>;
  /** One turn through the second host's running gateway; the names of the bearers on the wire for it. */
  bearersOfTurn(agent?: Agent): Promise<readonly string[]>;
  /** The shared login as a store of the second host holds it. */
  entryOnB(agent?: Agent): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Names that OpenClaw tried to reach outside this machine. */
  refused(): Promise<readonly string[]>;
  /** Ends every program; with `keep` the homes and logs stay, and where they are is said. */
  stop(keep: boolean): Promise<void>;
}

/** Signs both hosts in (the second one's copy is old and dead), starts the gateway of the second, then the fleet. */
export async function createFixture(version: string): Promise<Fixture> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  const started = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const thing = await starting;
    stops.push(() => thing.stop());
    return thing;
  };
  try {
    const release = await installRelease(version);
    const folder = await mkdtemp(join(tmpdir(), 'authmesh-compat-'));
    const provider = await startProvider();
    stops.push(() => provider.close());
    const a = await createHost(folder, 'pc-a', release, provider);
    const b = await createHost(folder, 't440', release, provider);
    const openclawA = await started(startOpenClaw(a));
    const openclawB = await started(startOpenClaw(b));
    const spareKey = secret('key');
    provider.recognise(spareKey, 'spare');
    const old = provider.issue(-hour);
    for (const agent of agents) await openclawB.upsert(shared, entry(old), b.agentDir(agent));
    await openclawB.upsert(spare, { type: 'api_key', provider: providerId, key: spareKey });
    await openclawB.upsert(notes, { type: 'token', provider: 'lab', token: secret('notes') });
    const renew = async (lifeMs: number): Promise<Login> => {
      const login = provider.issue(lifeMs);
      await openclawA.upsert(shared, entry(login));
      return login;
    };
    await renew(hour);
    const gatewayB = await started(b.startGateway());
    const fleet = await started(startFleet(folder, [a, b]));
    const copiesOnB = async (): Promise<readonly unknown[]> => {
      const { stdout } = await fleet.agent(b, ['status', '--json']);
      const { accounts }: { accounts: { copies: { node: string; profile: string }[] }[] } = JSON.parse(stdout);
      return accounts.flatMap(({ copies }) => copies.filter(copy => copy.node === b.name && copy.profile === shared));
    };
    const entryOnB = async (agent?: Agent): Promise<Readonly<Record<string, unknown>> | undefined> =>
      (await b.readStore(agent)).profiles[shared];
    return {
      provider,
      a,
      b,
      openclawA,
      openclawB,
      gatewayB,
      fleet,
      renew,
      entryOnB,
      stop: async keep => {
        await stop();
        if (keep) process.stderr.write(`The homes and logs of this run are in ${folder}\n`);
        else await removeFolder(folder);
      },
      async restart(login) {
        for (const agent of allAgents.slice(agents.length)) {
          await mkdir(b.agentDir(agent), { recursive: true, mode: 0o700 });
          await openclawB.upsert(shared, entry(login), b.agentDir(agent));
        }
        const known = { timeout: deliveryMs, message: 'authmesh knows every agent of the second host' };
        await expect.poll(async () => (await copiesOnB()).length, known).toBe(allAgents.length);
        await gatewayB.stop();
        return started(b.startGateway(command => fleet.exec(b, allAgents.length, command)));
      },
      delivered: async (access, agent) => {
        const wanted = { timeout: deliveryMs, interval: 5, message: `the delivery to ${b.agentDir(agent)}` };
        await expect.poll(async () => (await entryOnB(agent))?.access === access, wanted).toBe(true);
      },
      bearersOfTurn: async (agent = 'main') => {
        const before = provider.bearers.length;
        await gatewayB.turn(agent);
        return provider.bearers.slice(before);
      },
      refused: async () => {
        const texts = [a, b]
          .filter(host => existsSync(host.refusedFile))
          .map(host => readFile(host.refusedFile, 'utf8'));
        return (await Promise.all(texts)).join('').split('\n').filter(Boolean);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A login as OpenClaw's own sign-in stores it; the account id says that both hosts hold the same account. */
function entry({ access, refresh, expires }: Login): Readonly<Record<string, unknown>> {
  return { type: 'oauth', provider: providerId, access, refresh, expires, accountId: 'acct_compat' };
}
