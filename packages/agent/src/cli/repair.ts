import type { Repair } from '@authmesh/agent/core/repair';
import type { InLine } from '@authmesh/agent/io/restart-check';
import { type CopyKey, copyKey } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError, operatorSentence } from '@authmesh/shared/node/errors';
import { repairReply } from './control.ts';
import type { OpenedHome } from './home.ts';
import { withAgentHere } from './host-agent.ts';

/** Beyond the time that the daemon itself takes: for the way there and back. */
const replyMsMax: Milliseconds = 5 * second;
/** Between two looks at what still waits. */
const pauseMs: Milliseconds = 250;

/**
 * Heals what may be healed now: by the daemon, or, where none runs, by an agent of this process. Gives the copies that a
 * daemon will heal in their turn. What went wrong is said: the check that follows goes by the disk.
 */
export async function repairHost(
  opened: OpenedHome,
  timeoutMs: Milliseconds,
  say: (sentence: string) => void,
): Promise<InLine> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const left = Math.max(0, Math.round(deadline - performance.now()));
    try {
      return inLineOf(await askDaemon(opened, left), say);
    } catch (error) {
      if (isOther(error, 'ERR_DAEMON_UNREACHABLE', say)) return new Map();
    }
    try {
      await repairHere(opened, left, say);
      return new Map();
    } catch (error) {
      // A daemon that is just starting, or another check: it will answer, or end.
      const isLast = performance.now() >= deadline;
      if (isOther(error, isLast ? undefined : 'ERR_ALREADY_RUNNING', say)) return new Map();
    }
    await new Promise(resolve => setTimeout(resolve, pauseMs));
  }
}

async function askDaemon({ home }: OpenedHome, timeoutMs: Milliseconds): Promise<Repair> {
  const request = { op: 'repair', timeoutMs };
  return repairReply.parse(await askControl({ home, request, timeoutMs: timeoutMs + replyMsMax }));
}

/** Whether it is any trouble but the expected one: that is said. */
function isOther(error: unknown, expected: string | undefined, say: (sentence: string) => void): boolean {
  if (!(error instanceof AuthmeshError)) throw error;
  if (error.code === expected) return false;
  say(operatorSentence(error));
  return true;
}

function inLineOf({ phase, waiting }: Repair, say: (sentence: string) => void): InLine {
  if (phase === 'away') say('The coordinator is away: nothing fresher is known than what is here.');
  if (phase === 'busy') say('Not all was healed in time; --timeout gives it longer.');
  const inLine = new Map<CopyKey, string>();
  for (const { store, profile, place } of waiting) {
    const turn = place === undefined ? ', after the others of this host' : `, place ${place}`;
    inLine.set(copyKey(store, profile), `healed in its turn after the start${turn}`);
  }
  return inLine;
}

/** Nobody heals in its turn what is left when this process ends: so it goes on with the waves while there is time. */
async function repairHere(opened: OpenedHome, timeoutMs: Milliseconds, say: (sentence: string) => void): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const left = () => Math.max(0, Math.round(deadline - performance.now()));
  const repair = await withAgentHere(opened, say, async agent => {
    let reached = await agent.repair(left());
    while (reached.phase === 'done' && reached.waiting.length > 0 && left() > 0) {
      await new Promise(resolve => setTimeout(resolve, Math.min(pauseMs, left())));
      reached = await agent.repair(left());
    }
    return reached;
  });
  inLineOf(repair, say);
  if (repair.waiting.length === 0) return;
  say(
    `${repair.waiting.length} logins still wait for their turn, and no daemon runs that heals them then: start it, or give --timeout more.`,
  );
}
