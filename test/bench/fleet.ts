import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../e2e/harness/login.ts';
import { databaseStore } from '../e2e/harness/sqlite.ts';
import type { Installation } from './installation.ts';
import { type Program, runToEnd, start } from './program.ts';

const node = process.execPath;

/** The installed programs as real processes: a coordinator, and hosts with a home and a state directory each. */
export interface Fleet {
  readonly coordinator: Program;
  readonly hosts: readonly Host[];
  readonly stop: () => Promise<void>;
}

export interface Host {
  readonly home: string;
  /** Of the agents, in the order of their numbers. */
  readonly stores: readonly string[];
  readonly agent: Program;
}

export interface HostPlan {
  /** What stands in each store at the start. */
  readonly stores: readonly string[];
  /** They stand in a database of each agent, as OpenClaw 2026.7.1 keeps them. */
  readonly inDatabases?: boolean | undefined;
}

/** Starts a coordinator; resolves when it listens. */
export async function startCoordinator(
  { coordinator }: Installation,
  folder: string,
  listen = '127.0.0.1:0',
): Promise<{ readonly program: Program; readonly url: string; readonly foundingCode: string | null }> {
  const args = ['run', '--data-dir', join(folder, 'data'), '--listen', listen, '--json', '--log-level', 'warn'];
  const program = start(node, [coordinator, ...args], folder);
  const said = JSON.parse(await program.line(/"event":"listening"/)) as { url: string; foundingCode: string | null };
  return { program, ...said };
}

/** Starts a joined host's agent; resolves when it is in step with the coordinator. */
export async function startAgent({ agent }: Installation, home: string): Promise<Program> {
  const program = start(node, [agent, 'run', '--home', home], home);
  await program.line(/"event":"synced"/);
  return program;
}

/** A fleet of hosts that are all in step. */
export async function startFleet(
  installation: Installation,
  folder: string,
  plans: readonly HostPlan[],
): Promise<Fleet> {
  const { program: coordinator, foundingCode } = await startCoordinator(installation, folder);
  let code = foundingCode ?? '';
  const hosts: Host[] = [];
  for (const [index, plan] of plans.entries()) {
    const root = join(folder, `host-${index}`);
    const home = join(root, '.authmesh');
    const stateDir = join(root, '.openclaw');
    const put = plan.inDatabases ? putDatabase : putStore;
    const stores = plan.stores.map((text, number) => put(stateDir, number === 0 ? 'main' : `agent-${number}`, text));
    const join_ = ['join', code, '--home', home, '--state-dir', stateDir, '--name', `host-${index}`];
    await runToEnd(node, [installation.agent, ...join_], root);
    if (plan.inDatabases) configure(home, { openclaw: { stateDirs: [stateDir], reload: 'never' } });
    if (index === 0 && plans.length > 1) code = await inviteCode(installation, home, plans.length);
    hosts.push({ home, stores, agent: await startAgent(installation, home) });
  }
  return {
    coordinator,
    hosts,
    async stop() {
      for (const { agent } of hosts) await agent.stop();
      await coordinator.stop();
    },
  };
}

/** No OpenClaw is installed here: to look for one again and again is not what an idle agent does. */
function configure(home: string, fields: object): void {
  const file = join(home, 'agent.json');
  const before = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...before, ...fields }), { mode: 0o600 });
}

function putStore(stateDir: string, id: string, text: string): string {
  const directory = join(stateDir, 'agents', id, 'agent');
  mkdirSync(directory, { recursive: true });
  const store = join(directory, 'auth-profiles.json');
  writeFileSync(store, text, { mode: 0o600 });
  return store;
}

function putDatabase(stateDir: string, id: string, text: string): string {
  const store = databaseStore(stateDir, '2026.7', id);
  const { profiles } = JSON.parse(text) as { readonly profiles: Readonly<Record<string, Entry>> };
  for (const [profile, entry] of Object.entries(profiles)) store.put(profile, entry);
  return store.path;
}

async function inviteCode({ agent }: Installation, home: string, uses: number): Promise<string> {
  const said = await runToEnd(node, [agent, 'invite', '--home', home, '--uses', String(uses), '--json'], home);
  return (JSON.parse(said) as { code: string }).code;
}
