import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loopbackAlone } from '../../loopback.ts';
import { until } from './condition.ts';

const packages = fileURLToPath(new URL('../../../packages/', import.meta.url));
/** Programs run on the Node that runs the tests. */
const path = `${dirname(process.execPath)}:${process.env.PATH}`;
/** Half of a short command's time is the reading of its sources: they are compiled once for all. */
const compileCache = fileURLToPath(new URL('../../../node_modules/.cache/authmesh-e2e', import.meta.url));
const commandMsMax = 60_000;
const drainMsMax = 15_000;

export type Environment = Readonly<Record<string, string>>;

/** How a command ended and what it printed. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that goes on running. */
export interface Daemon {
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly isRunning: () => boolean;
  /** Resolves with how it ended. */
  readonly ended: Promise<Outcome>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** SIGTERM; SIGKILL for one that does not end by itself. */
  stop(): Promise<Outcome>;
  /** SIGKILL, as a crash or a power cut would. */
  kill(): Promise<Outcome>;
}

const living = new Set<ChildProcess>();
// A test runner that is ended in the middle leaves no process of ours behind.
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** A program as it is published: it starts in two thirds of the time that its sources take. `build.ts` has made it. */
export function programPath(name: 'authmesh-agent' | 'authmesh-coordinator'): string {
  return `${packages}${name.replace('authmesh-', '')}/dist/bin/${name}.js`;
}

/** Starts a program with nothing of this process's environment but `PATH`; what it says on stderr goes to `log` too. */
export function start(command: string, args: readonly string[], environment: Environment, log: string): Daemon {
  const child = spawn(command, args, {
    env: { PATH: path, NODE_COMPILE_CACHE: compileCache, ...loopbackAlone, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  const file = createWriteStream(log, { flags: 'a' });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      output[name] += piece;
      // stdout is data, join codes too.
      if (name === 'stderr') file.write(piece);
    });
  }
  const ended = once(child, 'close').then(([code, signal]): Outcome => {
    living.delete(child);
    file.end();
    return { code, signal, ...output };
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? -1,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    isRunning,
    ended,
    signal: name => void child.kill(name),
    async stop() {
      if (isRunning()) child.kill('SIGTERM');
      const deadline = setTimeout(() => child.kill('SIGKILL'), drainMsMax);
      return ended.finally(() => clearTimeout(deadline));
    },
    async kill() {
      if (isRunning()) child.kill('SIGKILL');
      return ended;
    },
  };
}

/** Waits for a line of the program's output; a program that ended before is named with what it said. */
export async function lineOf(daemon: Daemon, pattern: RegExp): Promise<string> {
  let found: string | undefined;
  await until(`a line like ${pattern} from process ${daemon.pid}`, () => {
    found = `${daemon.stdout()}\n${daemon.stderr()}`.split('\n').find(line => pattern.test(line));
    if (found === undefined && !daemon.isRunning()) throw new Error(`it ended before it said ${pattern}`);
    return found !== undefined;
  });
  return found ?? '';
}

/** Runs a command to its end. */
export async function run(
  command: string,
  args: readonly string[],
  environment: Environment,
  log: string,
): Promise<Outcome> {
  const daemon = start(command, args, environment, log);
  const deadline = setTimeout(() => daemon.signal('SIGKILL'), commandMsMax);
  return daemon.ended.finally(() => clearTimeout(deadline));
}
