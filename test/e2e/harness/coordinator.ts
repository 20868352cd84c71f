import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Daemon, lineOf, type Outcome, programPath, run, start } from './program.ts';

/** A coordinator that is run by its public commands. */
export interface Coordinator {
  readonly dataDir: string;
  readonly log: string;
  /** The address that it got at its first start and keeps from then on. */
  url(): string;
  /** The founding code that the last start printed; null in a fleet with a node. */
  foundingCode(): string | null;
  command(...args: readonly string[]): Promise<Outcome>;
  start(...args: readonly string[]): Promise<Daemon>;
  daemon(): Daemon;
  stop(): Promise<void>;
}

export interface CoordinatorOptions {
  readonly folder: string;
  readonly name?: string | undefined;
  /** The program, where it is not the public one. */
  readonly command?: readonly [string, ...string[]] | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Limits of sessions; one that holds nobody up where a test is about something else. */
  readonly pools?: readonly object[] | undefined;
  /** Most connections that have proved nothing yet. */
  readonly halfOpenMax?: number | undefined;
  /** Further fields of `coordinator.json`. */
  readonly configuration?: object | undefined;
}

const widePool = { name: 'all', match: ['*'], limit: 1_000, settleSeconds: 0 };

export function createCoordinator({
  folder,
  name = 'coordinator',
  command,
  environment = {},
  pools = [widePool],
  halfOpenMax,
  configuration = {},
}: CoordinatorOptions): Coordinator {
  const dataDir = join(folder, name);
  const log = join(folder, `${name}.log`);
  mkdirSync(dataDir, { mode: 0o700 });
  const file = join(dataDir, 'coordinator.json');
  writeFileSync(file, JSON.stringify({ pools, halfOpenMax, ...configuration }), { mode: 0o600 });
  const variables = { HOME: folder, ...environment };
  let daemon: Daemon | undefined;
  let url = '';
  let foundingCode: string | null = null;
  return {
    dataDir,
    log,
    url: () => url,
    foundingCode: () => foundingCode,
    command: (...args) => run(programPath('authmesh-coordinator'), [...args, '--data-dir', dataDir], variables, log),
    async start(...args) {
      // The same port again: nodes know it by its address.
      const listen = url === '' ? '127.0.0.1:0' : new URL(url).host;
      const [program, ...first] = command ?? [programPath('authmesh-coordinator')];
      const options = ['run', '--data-dir', dataDir, '--listen', listen, '--json', ...args];
      daemon = start(program, [...first, ...options], variables, log);
      const said = JSON.parse(await lineOf(daemon, /"event":"listening"/)) as { url: string; foundingCode: string };
      url = said.url;
      foundingCode = said.foundingCode;
      return daemon;
    },
    daemon() {
      if (!daemon) throw new Error('the coordinator was never started');
      return daemon;
    },
    async stop() {
      await daemon?.stop();
    },
  };
}

/** The log of a program, for whoever looks into a failure. */
export function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '(nothing)';
  }
}
