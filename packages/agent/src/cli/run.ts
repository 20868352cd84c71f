import { startAgent } from '@authmesh/agent/agent';
import { forgetMembership } from '@authmesh/agent/io/membership-end';
import { createStateDirClaims } from '@authmesh/agent/io/state-dir-claim';
import type { AgentOptions } from '@authmesh/agent/running-agent';
import { note } from '@authmesh/shared/core/notes';
import { minute } from '@authmesh/shared/core/time';
import { fingerprintSecret } from '@authmesh/shared/crypto/fingerprint';
import type { Command } from '@authmesh/shared/node/command-line';
import { openControlServer } from '@authmesh/shared/node/control-server';
import { AuthmeshError, operatorSentence } from '@authmesh/shared/node/errors';
import { returnHeapWhenCalm } from '@authmesh/shared/node/heap-return';
import { takeInstanceLock } from '@authmesh/shared/node/instance-lock';
import { beginLifecycle } from '@authmesh/shared/node/lifecycle';
import { createLogger } from '@authmesh/shared/node/logger';
import { answerControl } from './control.ts';
import { homeOption, loadSettings, logLevelOption, openHome, stateDirOption } from './home.ts';

/** What a stop may take: the wait for OpenClaw's locks, an exchange and the writes around it. A second signal ends at once. */
const drainMs = minute;

const say = (sentence: string) => void process.stderr.write(`authmesh-agent: ${sentence}\n`);

/** The daemon's command; `at` is told at each step of its work. */
export function createRunCommand({ at }: Pick<AgentOptions, 'at'> = {}): Command {
  return {
    name: 'run',
    summary: 'run the daemon in the foreground',
    options: [homeOption, stateDirOption, logLevelOption],
    example: 'authmesh-agent run',
    async run(context) {
      const tieToSignals = beginLifecycle();
      const { home, identity, settings } = await openHome(context);
      const lock = await takeInstanceLock(home, 'authmesh-agent');
      const logger = createLogger({
        program: 'agent',
        level: settings.logLevel,
        // The same tag for the same login on every host of the fleet, and for nobody else.
        tagKey: Buffer.from(fingerprintSecret(identity.membership.secrets.fingerprintKey, 'log tags')),
      });
      const crash = (error: unknown) => {
        logger.crash(error);
        process.exit(1);
      };
      process.on('uncaughtException', crash);
      process.on('unhandledRejection', crash);
      const claims = createStateDirClaims(home, why => logger.note(note('state-dir-unclaimed', { why })));
      await claims.change(settings.places).catch(async (error: unknown) => {
        await lock.release();
        throw error;
      });
      const agent = await startAgent({
        home,
        identity,
        config: settings.config,
        places: settings.places,
        providers: settings.providers,
        reload: settings.reload,
        secrets: settings.secrets,
        alerts: settings.alerts,
        logger,
        onCrash: crash,
        at,
      });
      const control = await openControlServer({
        home,
        handle: request => answerControl(agent, request, () => void stop(true)),
        onFault: error => logger.note(note('request-failed', { why: error instanceof Error ? error.name : 'unknown' })),
      });
      const letGo = tieToSignals({
        say,
        reload: async () => {
          try {
            const changed = await loadSettings(home, context);
            await claims.change(changed.places);
            await agent.configure(changed);
            logger.note(note('configuration-read', { file: changed.file }));
          } catch (error) {
            if (!(error instanceof AuthmeshError)) throw error;
            logger.note(note('configuration-refused', { why: operatorSentence(error) }));
          }
        },
        drain: () => stop(false),
        deadlineMs: drainMs,
      });
      let stopping: Promise<void> | undefined;
      const stop = (hasLeft: boolean) => {
        stopping ??= shutDown(hasLeft);
        return stopping;
      };
      const shutDown = async (hasLeft: boolean) => {
        if (hasLeft) at?.('membership-ended');
        await control.close();
        await agent.close();
        if (hasLeft) {
          await forgetMembership(home);
          say('this host has left its fleet; `authmesh-agent join CODE` makes it a member again.');
        }
        await claims.release();
        await lock.release();
        letGo();
        process.exitCode = 0;
      };
      returnHeapWhenCalm();
      logger.note(note('agent-started', { file: home }));
      return 0;
    },
  };
}

export const runCommand = createRunCommand();
