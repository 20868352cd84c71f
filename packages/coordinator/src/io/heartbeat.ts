import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { sendRequest } from '@authmesh/shared/node/http-request';

/*
 * A dead-man's switch: an outside monitor is called while the coordinator can do its job, and raises the alarm when the
 * calls stay away. Nothing here can say that this program is dead.
 */

export interface Heartbeat {
  /** Calls another address from now on, or none. */
  readonly configure: (terms: HeartbeatTerms) => void;
  readonly stop: () => void;
}

export interface HeartbeatTerms {
  readonly url: string | undefined;
  readonly everyMs: Milliseconds;
}

const timeoutMs: Milliseconds = 10 * second;

/** Calls the address from time to time, as long as `isWell`; `onRefused` is told once a call failed that succeeded before. */
export function startHeartbeat(
  terms: HeartbeatTerms,
  isWell: () => Promise<boolean>,
  onRefused: (why: string) => void,
): Heartbeat {
  let current = terms;
  let timer: NodeJS.Timeout | undefined;
  let hasFailed = false;

  async function beat(): Promise<void> {
    const { url } = current;
    if (url === undefined || !(await isWell())) return;
    const headers = { 'user-agent': 'authmesh' };
    const end = await sendRequest({
      method: 'GET',
      url: new URL(url),
      headers,
      timeoutMs,
      begunAt: performance.now(),
    });
    const isHeard = end.end === 'answered' && end.status < 300;
    if (!isHeard && !hasFailed) onRefused(end.end === 'answered' ? `it answered ${end.status}` : end.why);
    hasFailed = !isHeard;
  }

  function schedule(): void {
    clearInterval(timer);
    timer = undefined;
    if (current.url === undefined) return;
    void beat();
    timer = setInterval(() => void beat(), current.everyMs);
    timer.unref();
  }

  schedule();
  return {
    configure(changed) {
      if (JSON.stringify(changed) === JSON.stringify(current)) return;
      current = changed;
      schedule();
    },
    stop: () => clearInterval(timer),
  };
}
