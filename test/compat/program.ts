import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';

/** How a program ended and what it said. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A program that goes on running until it is stopped. */
export interface Daemon {
  readonly pid: number;
  /** Everything it wrote so far, both streams in the order of arrival. */
  readonly output: () => string;
  isRunning(): boolean;
  /** Resolves with the first line that fits; rejects when the program ends or the time is over. */
  line(pattern: RegExp, timeoutMs: number): Promise<string>;
  /** SIGTERM, and SIGKILL when it has not ended in ten seconds. */
  stop(): Promise<void>;
}

const stopMs = 10_000;

/** Runs a program to its end. Nothing of this process's environment is passed on but `PATH`. */
export async function run(
  command: string,
  args: readonly string[],
  environment: Environment,
  options: { readonly input?: string | undefined; readonly timeoutMs?: number | undefined } = {},
): Promise<Outcome> {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...environment },
    timeout: options.timeoutMs ?? 120_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', piece => {
    stdout += piece;
  });
  child.stderr.setEncoding('utf8').on('data', piece => {
    stderr += piece;
  });
  child.stdin.on('error', () => {}).end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Starts a program that goes on running; what it writes is kept in `log` too, for whoever looks into a failure. */
export function start(command: string, args: readonly string[], environment: Environment, log: string): Daemon {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const file = createWriteStream(log, { flags: 'a' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', piece => {
      output += piece;
      file.write(piece);
    });
  }
  child.on('error', error => {
    output += `${error.message}\n`;
  });
  const ended = new Promise<void>(resolve => child.on('close', () => file.end(resolve)));
  return {
    get pid() {
      return child.pid ?? -1;
    },
    output: () => output,
    isRunning: () => isRunning(child),
    line: (pattern, timeoutMs) => waitForLine(child, () => output, pattern, timeoutMs),
    stop: async () => {
      if (!isRunning(child)) return;
      child.kill('SIGTERM');
      const deadline = setTimeout(() => child.kill('SIGKILL'), stopMs);
      await ended;
      clearTimeout(deadline);
    },
  };
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function waitForLine(child: ChildProcess, output: () => string, pattern: RegExp, ms: number): Promise<string> {
  const deadline = performance.now() + ms;
  for (;;) {
    const line = output()
      .split('\n')
      .find(candidate => pattern.test(candidate));
    if (line !== undefined) return line;
    const over = performance.now() > deadline;
    if (over || !isRunning(child)) {
      throw new Error(
        `${child.spawnfile} ${over ? `wrote no line like ${pattern} in ${ms} ms` : 'ended'}; it said:\n${output()}`,
      );
    }
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** Removes what a run leaves. A command of OpenClaw that was ended a moment ago may still be making its database. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
