import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loopbackAlone } from '../loopback.ts';

const bins = fileURLToPath(new URL('../../node_modules/.bin/', import.meta.url));
const startMs = 30_000;
const stopMs = 10_000;
const commandMs = 30_000;

/** A program of the demo that goes on running. */
export interface Daemon {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** The first line of its log that fits. */
  readonly line: (pattern: RegExp) => Promise<string>;
}

/** Every process of one demo. Each has its own group, so that Ctrl-C reaches the demo alone, which then ends them in order. */
export interface Programs {
  /** The path of `authmesh-agent` or `authmesh-coordinator`, for the operator to type. */
  readonly path: (program: string) => string;
  readonly start: (name: string, program: string, args: readonly string[], home: string) => Daemon;
  /** Runs a command to its end; its stdout. Fails with the command's own sentence when it does not end with 0. */
  readonly run: (program: string, args: readonly string[], home: string) => Promise<string>;
  readonly pids: () => readonly number[];
  readonly stop: () => Promise<void>;
  /** Nothing is ended any more: the operator does that. */
  readonly release: () => void;
}

/** Starts programs with logs under `logs`. Nothing of this environment is passed on but `PATH`. */
export function createPrograms(logs: string): Programs {
  const children = new Set<ChildProcess>();
  let isStopping = false;

  function launch(program: string, args: readonly string[], home: string, output: number | 'pipe'): ChildProcess {
    if (isStopping) throw new Error('the demo is being stopped');
    const child = spawn(join(bins, program), args, {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, NO_COLOR: '1', ...loopbackAlone },
      stdio: ['ignore', output, output],
      detached: true,
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    child.once('error', () => children.delete(child));
    return child;
  }

  return {
    path: program => join(bins, program),
    start(name, program, args, home) {
      const logFile = join(logs, `${name}.log`);
      const log = openSync(logFile, 'a', 0o600);
      const child = launch(program, args, home, log);
      closeSync(log);
      if (child.pid === undefined) throw new Error(`${program} cannot be started; is the set-up complete?`);
      return { name, pid: child.pid, logFile, line: pattern => awaitLine(child, logFile, pattern) };
    },
    async run(program, args, home) {
      const child = launch(program, args, home, 'pipe');
      const timer = setTimeout(() => child.kill('SIGKILL'), commandMs);
      let stdout = '';
      let stderr = '';
      child.stdout?.on('data', chunk => {
        stdout += String(chunk);
      });
      child.stderr?.on('data', chunk => {
        stderr += String(chunk);
      });
      const [code] = await once(child, 'close');
      clearTimeout(timer);
      if (code !== 0) throw new Error(`\`${program} ${args[0]}\` ended with ${code}: ${stderr.trim() || 'no word'}`);
      return stdout;
    },
    pids: () => [...children].flatMap(({ pid }) => pid ?? []),
    async stop() {
      isStopping = true;
      await Promise.all([...children].map(stopChild));
    },
    release() {
      for (const child of children) child.unref();
      children.clear();
    },
  };
}

async function awaitLine(child: ChildProcess, logFile: string, pattern: RegExp): Promise<string> {
  const deadline = performance.now() + startMs;
  while (performance.now() < deadline) {
    const log = await readFile(logFile, 'utf8');
    const found = log.split('\n').find(line => pattern.test(line));
    if (found !== undefined) return found;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`a program ended before it was ready: ${log.trim().split('\n').at(-1)}`);
    await wait(20);
  }
  throw new Error(`${logFile} says nothing that fits ${pattern} after ${startMs / 1_000} s`);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await ended;
  clearTimeout(timer);
}
