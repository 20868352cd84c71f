import { setTimeout as wait } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { runShell } from './shell-command.ts';

/** What came of a health command: ended 0 in time, or why not. */
export interface HealthResult {
  readonly ok: boolean;
  readonly why: string;
}

const pauseMs: Milliseconds = second;

/** What to run, and for how long. */
export interface HealthCheck {
  readonly command: string;
  readonly timeoutMs: Milliseconds;
  /** Ending 0 counts only after it has failed once. */
  readonly fallsFirst?: boolean | undefined;
  /** Ends it, and what it has started. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a pool's health command until it ends 0, once a second, for at most `timeoutMs`; one that hangs is killed then,
 * and everything that it started with it. Never throws.
 */
export async function checkHealth({ command, timeoutMs, fallsFirst, signal }: HealthCheck): Promise<HealthResult> {
  const deadline = performance.now() + timeoutMs;
  let hasFallen = fallsFirst !== true;
  for (let last = 'it did not end in time'; ; ) {
    const left = deadline - performance.now();
    // It never saw them away: after that time they are back, or never were away.
    if (left <= 0 && !hasFallen) return { ok: true, why: 'the health command ended 0 all the time' };
    if (left <= 0 || signal?.aborted) return { ok: false, why: `the health command failed: ${last}` };
    const ended = await runOnce(command, left, signal);
    if (ended === undefined && hasFallen) return { ok: true, why: 'the health command ended 0' };
    if (ended !== undefined) hasFallen = true;
    last = ended ?? last;
    const pause = Math.max(0, Math.min(pauseMs, deadline - performance.now()));
    await wait(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** Undefined when it ended 0; otherwise how it ended. */
async function runOnce(
  command: string,
  timeoutMs: Milliseconds,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const { status } = await runShell(command, { timeoutMs, signal });
    if (status === 0) return undefined;
    return status === undefined ? 'it did not end in time' : `it ended with status ${status}`;
  } catch (error) {
    return `it could not be started (${error instanceof Error ? error.name : 'unknown'})`;
  }
}
