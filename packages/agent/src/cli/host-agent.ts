import { startAgent } from '@authmesh/agent/agent';
import { createStateDirClaims } from '@authmesh/agent/io/state-dir-claim';
import type { Agent } from '@authmesh/agent/running-agent';
import { fingerprintSecret } from '@authmesh/shared/crypto/fingerprint';
import { takeInstanceLock } from '@authmesh/shared/node/instance-lock';
import { createLogger } from '@authmesh/shared/node/logger';
import type { OpenedHome } from './home.ts';

/**
 * Lets an agent work in this process, where no daemon runs; throws `ERR_ALREADY_RUNNING` where one does. `afterwards`: when
 * the agent has let go of everything, and before the next one may begin.
 */
export async function withAgentHere<Result>(
  { home, identity, settings }: OpenedHome,
  say: (sentence: string) => void,
  work: (agent: Agent) => Promise<Result>,
  afterwards: (result: Result) => Promise<void> = async () => {},
): Promise<Result> {
  const lock = await takeInstanceLock(home, 'authmesh-agent');
  const claims = createStateDirClaims(home, say);
  try {
    await claims.change(settings.places);
    const agent = await startAgent({
      home,
      identity,
      config: { ...settings.config, takesLeases: false },
      places: settings.places,
      providers: settings.providers,
      reload: settings.reload,
      secrets: settings.secrets,
      alerts: settings.alerts,
      logger: createLogger({
        program: 'agent',
        level: 'error',
        tagKey: Buffer.from(fingerprintSecret(identity.membership.secrets.fingerprintKey, 'log tags')),
      }),
      onCrash: error => {
        throw error;
      },
    });
    const result = await work(agent).finally(() => agent.close());
    await afterwards(result);
    return result;
  } finally {
    await claims.release();
    await lock.release();
  }
}
