import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { loopbackAlone } from '../loopback.ts';

/** A process of the bench's own. */
export interface Program {
  readonly pid: number;
  /** Resolves with the first line of stdout or stderr that matches, and when it came by `monotonicMs`. */
  readonly line: (pattern: RegExp) => Promise<string>;
  /** Kilobytes that it holds in memory. */
  readonly residentKb: () => number;
  /** Milliseconds of CPU that its threads have used. */
  readonly cpuMs: () => number;
  /** SIGTERM, and SIGKILL for one that does not end by itself. */
  readonly stop: () => Promise<void>;
}

const stopMsMax = 15_000;
const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) kill(child, 'SIGKILL');
});
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

/** The program and whatever it has started: each is the leader of a group of its own. */
function kill({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone already.
  }
}

/** Starts `command` with nothing of this process's environment but `PATH` and a home. */
export function start(command: string, args: readonly string[], home: string): Program {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, HOME: home, ...loopbackAlone },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  living.add(child);
  let said = '';
  let heard: (() => void) | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      said = (said + piece).slice(-saidCharsMax);
      heard?.();
    });
  }
  const ended = once(child, 'exit').then(() => {
    living.delete(child);
    heard?.();
  });
  const pid = child.pid ?? -1;
  return {
    pid,
    async line(pattern) {
      for (;;) {
        const found = said.split('\n').find(line => pattern.test(line));
        if (found !== undefined) return found;
        if (!living.has(child)) throw new Error(`${args[0]} ended before it said ${pattern}:\n${said.slice(-2_000)}`);
        await new Promise<void>(resolve => {
          heard = resolve;
        });
      }
    },
    residentKb: () => residentKb(pid),
    cpuMs: () => cpuMs(pid),
    async stop() {
      if (!living.has(child)) return;
      kill(child, 'SIGTERM');
      const deadline = setTimeout(() => kill(child, 'SIGKILL'), stopMsMax);
      await ended;
      clearTimeout(deadline);
    },
  };
}

const saidCharsMax = 64 * 1024;

/** Runs a command to its end; throws with what it said when that is not 0. */
export async function runToEnd(command: string, args: readonly string[], home: string): Promise<string> {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, HOME: home, ...loopbackAlone },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', piece => {
      said += String(piece);
    });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.slice(0, 2).join(' ')} ended with ${code}: ${said.slice(-2_000)}`);
  return said;
}

function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN);
}

/** From the scheduler's own account, in nanoseconds: the usual ticks of 10 ms are too coarse for an idle process. */
function cpuMs(pid: number): number {
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  }
  return total / 1e6;
}
