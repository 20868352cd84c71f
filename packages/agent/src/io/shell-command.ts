import { spawn } from 'node:child_process';
import type { Milliseconds } from '@authmesh/shared/core/time';

/** How a command ended: its status, 127 where the shell found no such program; undefined where it was killed in time. */
export interface ShellEnd {
  readonly status: number | undefined;
  /** The beginning of what it printed, if that was asked for. Never to be logged: it is somebody else's text. */
  readonly output: string;
}

export interface ShellOptions {
  /** It is killed then, with everything that it started. */
  readonly timeoutMs: Milliseconds;
  readonly signal?: AbortSignal | undefined;
  /** On top of this process's own. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly keepsOutput?: boolean | undefined;
}

const outputCharsMax = 16_384;

/** Runs a command line of the operator's in a shell. Rejects only where no shell can be started. */
export function runShell(command: string, options: ShellOptions): Promise<ShellEnd> {
  const { timeoutMs, signal, environment, keepsOutput } = options;
  return new Promise((resolve, reject) => {
    const stream = keepsOutput ? 'pipe' : 'ignore';
    // A group of its own, so that what the shell started ends with it.
    const child = spawn('/bin/sh', ['-c', command], {
      stdio: ['ignore', stream, stream],
      detached: true,
      env: { ...process.env, ...environment },
    });
    let output = '';
    for (const text of [child.stdout, child.stderr]) {
      text?.setEncoding('utf8').on('data', piece => {
        if (output.length < outputCharsMax) output += piece;
      });
    }
    const end = () => {
      if (child.pid !== undefined) kill(-child.pid);
    };
    const timer = setTimeout(end, timeoutMs);
    signal?.addEventListener('abort', end);
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    };
    child.once('error', error => {
      settle();
      reject(error);
    });
    // Not `close`: what it left running may hold the streams open.
    child.once('exit', status => {
      settle();
      end();
      for (const text of [child.stdout, child.stderr]) text?.destroy();
      resolve({ status: status ?? undefined, output });
    });
  });
}

function kill(group: number): void {
  try {
    process.kill(group, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
