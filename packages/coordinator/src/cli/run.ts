import { type CoordinatorOptions, startCoordinator } from '@authmesh/coordinator/coordinator';
import { halfOpenLimits } from '@authmesh/coordinator/io/half-open';
import { ensureKeys } from '@authmesh/coordinator/io/keys';
import { note } from '@authmesh/shared/core/notes';
import type { Command } from '@authmesh/shared/node/command-line';
import { openControlServer } from '@authmesh/shared/node/control-server';
import { AuthmeshError, operatorSentence } from '@authmesh/shared/node/errors';
import { returnHeapWhenCalm } from '@authmesh/shared/node/heap-return';
import { takeInstanceLock } from '@authmesh/shared/node/instance-lock';
import { beginLifecycle } from '@authmesh/shared/node/lifecycle';
import { createLogger } from '@authmesh/shared/node/logger';
import { recordAddress } from './address.ts';
import { answerControl } from './control.ts';
import { chooseDataDir, dataDirOption, loadSettings } from './data-dir.ts';

/** The daemon's command; `at` is told at each step of a commit. */
export function createRunCommand({ at }: Pick<CoordinatorOptions, 'at'> = {}): Command {
  return {
    name: 'run',
    summary: 'run in the foreground until SIGTERM or SIGINT; a second signal stops at once',
    options: [
      dataDirOption,
      { flags: '--listen <host:port>', description: 'address to listen on (default 127.0.0.1:7420; port 0 picks one)' },
      { flags: '--public-url <urls>', description: 'how nodes reach this coordinator, separated by commas' },
      { flags: '--store <kind>', description: 'sqlite (default) or memory' },
      {
        flags: '--log-level <level>',
        description: 'the quietest line that is logged: debug, info, warn, error or silent',
      },
    ],
    example: 'authmesh-coordinator run --listen 0.0.0.0:7420 --public-url ws://central.example:7420',
    async run(context) {
      const tieToSignals = beginLifecycle();
      const dataDir = chooseDataDir(context);
      const { settings } = await loadSettings(dataDir, context);
      const keys = await ensureKeys(dataDir);
      const lock = await takeInstanceLock(dataDir, 'authmesh-coordinator');
      const logger = createLogger({ program: 'coordinator', level: settings.logLevel, tagKey: keys.signing.seed });
      const crash = (error: unknown) => {
        logger.crash(error);
        process.exit(1);
      };
      process.on('uncaughtException', crash);
      process.on('unhandledRejection', crash);
      const coordinator = await startCoordinator({
        dataDir,
        store: settings.store,
        host: settings.listen.host,
        port: settings.listen.port,
        publicUrls: settings.publicUrls,
        policy: settings.profiles,
        pools: settings.pools,
        prefer: settings.prefer,
        alerts: settings.alerts,
        channels: settings.channels,
        heartbeat: settings.heartbeat,
        audit: settings.audit,
        halfOpen: halfOpenLimits(settings.halfOpenMax),
        keys,
        logger,
        onCrash: crash,
        at,
      });
      const control = await openControlServer({
        home: dataDir,
        handle: request => answerControl(coordinator, request),
        onFault: error => logger.note(note('request-failed', { why: error instanceof Error ? error.name : 'unknown' })),
      });
      await recordAddress(dataDir, settings.publicUrls.length > 0 ? settings.publicUrls : [coordinator.url]);
      const letGo = tieToSignals({
        say: sentence => context.output.say(`authmesh-coordinator: ${sentence}`),
        reload: async () => {
          try {
            const changed = await loadSettings(dataDir, context);
            const { profiles: policy, pools, prefer, alerts, channels, heartbeat } = changed.settings;
            coordinator.configure({ policy, pools, prefer, alerts, channels, heartbeat });
            logger.note(note('configuration-read', { file: changed.file }));
          } catch (error) {
            if (!(error instanceof AuthmeshError)) throw error;
            logger.note(note('configuration-refused', { why: operatorSentence(error) }));
          }
        },
        drain: async () => {
          await coordinator.close();
          await control.close();
          await lock.release();
          letGo();
          process.exitCode = 0;
        },
      });
      returnHeapWhenCalm();
      const foundingCode = coordinator.foundingCode();
      context.output.say(`authmesh-coordinator listening on ${coordinator.url}`);
      if (context.output.isJson)
        context.output.item({ event: 'listening', url: coordinator.url, foundingCode }, () => '');
      else if (foundingCode !== null) {
        context.output.say(`The fleet has no node yet. On the first host, run:\n  authmesh-agent join ${foundingCode}`);
      }
      return 0;
    },
  };
}

export const runCommand = createRunCommand();
