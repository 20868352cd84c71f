import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';

/** What came of a health command: ended 0 in time, or why not. */
export interface HealthResult {
  readonly ok: boolean;
  readonly why: string;
}

const pauseMs: Milliseconds = second;

/**
 * Runs a pool's health command until it ends 0, once a second, for at most `timeoutMs`; one that hangs is killed then,
 * and everything that it started with it. Never throws.
 */
export async function checkHealth({
  command,
  timeoutMs,
}: {
  readonly command: string;
  readonly timeoutMs: Milliseconds;
}): Promise<HealthResult> {
  const deadline = performance.now() + timeoutMs;
  for (let last = 'it did not end in time'; ; ) {
    const left = deadline - performance.now();
    if (left <= 0) return { ok: false, why: `the health command failed: ${last}` };
    const ended = await runOnce(command, left);
    if (ended === undefined) return { ok: true, why: 'the health command ended 0' };
    last = ended;
    await wait(Math.max(0, Math.min(pauseMs, deadline - performance.now())));
  }
}

/** Undefined when it ended 0; otherwise how it ended. */
function runOnce(command: string, timeoutMs: Milliseconds): Promise<string | undefined> {
  return new Promise(resolve => {
    // A group of its own, so that what the shell started ends with it.
    const child = spawn('/bin/sh', ['-c', command], { stdio: 'ignore', detached: true });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) kill(-child.pid);
    }, timeoutMs);
    child.once('error', error => {
      clearTimeout(timer);
      resolve(`it could not be started (${error.name})`);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(undefined);
      else resolve(signal === null ? `it ended with status ${code}` : 'it did not end in time');
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
