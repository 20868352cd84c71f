import { setTimeout as delay } from 'node:timers/promises';

/** The machine is shared with other suites: generous, and never waited for when all is well. */
const conditionMsMax = 20_000;
const pauseMs = 15;

/** Waits until `check` holds. The message of a failure is `what` alone: values may be secrets. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs: number = conditionMsMax,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${what}`);
    await delay(pauseMs);
  }
}
