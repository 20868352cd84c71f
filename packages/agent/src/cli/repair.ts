import { startAgent } from '@authmesh/agent/agent';
import type { Repair } from '@authmesh/agent/core/repair';
import type { InLine } from '@authmesh/agent/io/restart-check';
import { createStateDirClaims } from '@authmesh/agent/io/state-dir-claim';
import { type CopyKey, copyKey } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { fingerprintSecret } from '@authmesh/shared/crypto/fingerprint';
import { askControl } from '@authmesh/shared/node/control-client';
import { AuthmeshError, operatorSentence } from '@authmesh/shared/node/errors';
import { takeInstanceLock } from '@authmesh/shared/node/instance-lock';
import { createLogger } from '@authmesh/shared/node/logger';
import { repairReply } from './control.ts';
import type { OpenedHome } from './home.ts';

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
  try {
    const answer = await askControl({
      home: opened.home,
      request: { op: 'repair', timeoutMs },
      timeoutMs: timeoutMs + replyMsMax,
    });
    return inLineOf(repairReply.parse(answer), say);
  } catch (error) {
    if (!(error instanceof AuthmeshError)) throw error;
    if (error.code !== 'ERR_DAEMON_UNREACHABLE') say(operatorSentence(error));
    else await repairHere(opened, timeoutMs, say).catch(reason => sayTrouble(reason, say));
    return new Map();
  }
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

function sayTrouble(error: unknown, say: (sentence: string) => void): void {
  if (!(error instanceof AuthmeshError)) throw error;
  say(operatorSentence(error));
}

/** Nobody heals in its turn what is left when this process ends: so it goes on with the waves while there is time. */
async function repairHere(
  { home, identity, settings }: OpenedHome,
  timeoutMs: Milliseconds,
  say: (sentence: string) => void,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const lock = await takeInstanceLock(home, 'authmesh-agent');
  const claims = createStateDirClaims(home, say);
  try {
    await claims.change(settings.places);
    const agent = await startAgent({
      home,
      identity,
      config: settings.config,
      places: settings.places,
      logger: createLogger({
        program: 'agent',
        level: 'error',
        tagKey: Buffer.from(fingerprintSecret(identity.membership.secrets.fingerprintKey, 'log tags')),
      }),
      onCrash: error => {
        throw error;
      },
    });
    const left = () => Math.max(0, Math.round(deadline - performance.now()));
    let repair = await agent.repair(left());
    while (repair.phase === 'done' && repair.waiting.length > 0 && left() > 0) {
      await new Promise(resolve => setTimeout(resolve, Math.min(pauseMs, left())));
      repair = await agent.repair(left());
    }
    await agent.close();
    inLineOf(repair, say);
    if (repair.waiting.length > 0) {
      say(
        `${repair.waiting.length} logins still wait for their turn, and no daemon runs that heals them then: start it, or give --timeout more.`,
      );
    }
  } finally {
    await claims.release();
    await lock.release();
  }
}
