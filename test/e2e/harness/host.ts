import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccountStatus, Status } from '@authmesh/agent/io/status-view';
import { askControl } from '@authmesh/shared/node/control-client';
import { until } from './condition.ts';
import type { Owner } from './login.ts';
import { type Daemon, lineOf, type Outcome, programPath, run, start } from './program.ts';
import { type StoreFile, storeFile } from './store-file.ts';

/** A machine of the fleet: a home of its own, OpenClaw's stores, and an agent that is run by its public commands. */
export interface Host {
  readonly name: string;
  readonly home: string;
  readonly stateDir: string;
  readonly log: string;
  store(agent?: string): StoreFile;
  /** Runs a command of the agent, with this host's home. */
  agent(...args: readonly string[]): Promise<Outcome>;
  /** The same with `--json`; its document and the exit status. */
  json<Document>(...args: readonly string[]): Promise<{ readonly code: number | null; readonly document: Document }>;
  /** What the daemon says now, asked on its own socket. */
  status(): Promise<Status>;
  /** What the daemon says of the owner's login; undefined when it knows none. */
  account(owner: Owner): Promise<AccountStatus | undefined>;
  /** Waits until what the daemon says of the owner's login is so. */
  accountIs(owner: Owner, check: (account: AccountStatus | undefined) => boolean): Promise<void>;
  /** Waits until the daemon is in step with the coordinator. */
  online(): Promise<void>;
  /** Starts the daemon; resolves when it runs. */
  start(...args: readonly string[]): Promise<Daemon>;
  /** Starts a command that goes on; it ends with the host. */
  open(...args: readonly string[]): Daemon;
  /** The daemon that was started last. */
  daemon(): Daemon;
  stop(): Promise<void>;
  /** Changes `agent.json`. */
  configure(fields: Readonly<Record<string, unknown>>): void;
}

export interface HostOptions {
  readonly folder: string;
  readonly name: string;
  /** The program of the daemon, where it is not the public one. */
  readonly command?: readonly [string, ...string[]] | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

export function createHost({ folder, name, command, environment = {} }: HostOptions): Host {
  const root = join(folder, name);
  const home = join(root, '.authmesh');
  const stateDir = join(root, '.openclaw');
  const log = join(folder, `${name}.log`);
  mkdirSync(join(stateDir, 'agents', 'main', 'agent'), { recursive: true });
  const variables = { HOME: root, ...environment };
  const opened: Daemon[] = [];
  let daemon: Daemon | undefined;

  const agent = (...args: readonly string[]): Promise<Outcome> =>
    run(programPath('authmesh-agent'), [...args, '--home', home], variables, log);
  const status = async (): Promise<Status> => (await askControl({ home, request: { op: 'status' } })) as Status;

  const account = async ({ account: subject, profile }: Owner): Promise<AccountStatus | undefined> => {
    const { accounts } = await status();
    const labels = [`/${subject}`, `/${profile}`];
    return accounts.find(found => labels.some(label => found.account.endsWith(label)));
  };

  return {
    name,
    home,
    stateDir,
    log,
    agent,
    status,
    account,
    accountIs: (owner, check) =>
      until(`${name} says so of ${owner.profile}`, async () => check(await account(owner).catch(() => undefined))),
    store: (id = 'main') => storeFile(stateDir, id),
    async json<Document>(...args: readonly string[]) {
      const { code, stdout, stderr } = await agent(...args, '--json');
      if (stdout === '') throw new Error(`\`${args[0]}\` on ${name} printed no document: ${stderr}`);
      return { code, document: JSON.parse(stdout) as Document };
    },
    online: () =>
      until(
        `${name} is connected`,
        async () => (await status().catch(() => undefined))?.coordinator.connected === true,
      ),
    async start(...args) {
      const [program, ...first] = command ?? [programPath('authmesh-agent')];
      daemon = start(program, [...first, 'run', '--home', home, ...args], variables, log);
      await lineOf(daemon, /the agent runs/);
      return daemon;
    },
    daemon() {
      if (!daemon) throw new Error(`the daemon of ${name} was never started`);
      return daemon;
    },
    open(...args) {
      const command = start(programPath('authmesh-agent'), [...args, '--home', home], variables, log);
      opened.push(command);
      return command;
    },
    async stop() {
      await Promise.all([...opened, ...(daemon ? [daemon] : [])].map(program => program.stop()));
    },
    configure(fields) {
      const file = join(home, 'agent.json');
      const before = JSON.parse(readFileSync(file, 'utf8')) as object;
      writeFileSync(file, `${JSON.stringify({ ...before, ...fields }, null, 2)}\n`, { mode: 0o600 });
    },
  };
}
