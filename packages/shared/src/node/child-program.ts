import { type ChildProcess, spawn } from 'node:child_process';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { systemErrorCode } from './errors.ts';

export interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  /** Given on its standard input: what is secret goes this way or in `environment`, never in its arguments. */
  readonly input?: string | undefined;
  /** On top of this process's own. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs: Milliseconds;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** What it printed, or why there is nothing: a clause for the operator, with nothing of what it printed. */
export type ProgramEnd = { readonly output: string } | { readonly why: string };

const bytesMax = 1024 * 1024;

/** Runs a program of the operator's to its end, without a shell. What it complains of is looked at by nobody. Never throws. */
export function runToEnd({ program, args, input, environment, timeoutMs, signal }: ProgramRun): Promise<ProgramEnd> {
  if (signal?.aborted) return Promise.resolve({ why: 'was not started' });
  return new Promise(resolve => {
    let child: ChildProcess;
    try {
      // A group of its own, so that what it started ends with it.
      const env = { ...process.env, ...environment };
      child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], detached: true, env });
    } catch (error) {
      // Node's own words hold what it does not take.
      const code = systemErrorCode(error);
      const isNull = code === 'ERR_INVALID_ARG_VALUE';
      resolve({ why: isNull ? 'cannot be given a null byte' : `could not be started (${code ?? 'unknown'})` });
      return;
    }
    child.once('error', error => {
      settle();
      const isAbsent = systemErrorCode(error) === 'ENOENT';
      resolve({ why: isAbsent ? 'is not on this host’s PATH' : 'could not be started' });
    });
    const pieces: Buffer[] = [];
    let size = 0;
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    };
    const timer = setTimeout(() => {
      end();
      resolve({ why: `did not end within ${timeoutMs / 1_000} s` });
    }, timeoutMs);
    signal?.addEventListener('abort', end);
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    };
    // It may end without having read what it was given.
    child.stdin?.on('error', () => {}).end(input ?? '');
    child.stdout?.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size <= bytesMax) return void pieces.push(piece);
      end();
      resolve({ why: 'printed more than 1 MiB' });
    });
    child.once('close', status => {
      settle();
      end();
      if (status === 0) resolve({ output: Buffer.concat(pieces).toString('utf8') });
      else resolve({ why: status === null ? 'was killed' : `ended with status ${status}` });
    });
  });
}
