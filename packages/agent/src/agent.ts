import { randomBytes, randomInt } from 'node:crypto';
import type { AgentEvent, AgentTimer } from '@authmesh/agent/core/event';
import { createAgentState } from '@authmesh/agent/core/initial-state';
import { transition } from '@authmesh/agent/core/transition';
import { withCreation } from '@authmesh/agent/io/adoption-store';
import { openJournal } from '@authmesh/agent/io/agent-journal';
import { watchCoordinator } from '@authmesh/agent/io/coordinator-alert';
import { createDecayWatch } from '@authmesh/agent/io/decay-watch';
import { createHealthChecks } from '@authmesh/agent/io/health-checks';
import { createLeaseExchanges } from '@authmesh/agent/io/lease-exchange';
import { createKeeper, restoreMemory } from '@authmesh/agent/io/memory-keeper';
import { readOverview } from '@authmesh/agent/io/overview-file';
import { createRecordVault } from '@authmesh/agent/io/record-vault';
import { createReloader } from '@authmesh/agent/io/secrets-reload';
import { note } from '@authmesh/shared/core/notes';
import { nodeIdOf } from '@authmesh/shared/crypto/signing';
import { watchClock } from '@authmesh/shared/node/clock-watch';
import { createElapsedClock } from '@authmesh/shared/node/elapsed-clock';
import { createDriver } from '@authmesh/shared/runtime/driver';
import { createInputJournal } from '@authmesh/shared/runtime/input-journal';
import { createTimers } from '@authmesh/shared/runtime/timers';
import { createExecutor } from './agent-effects.ts';
import { createAgentLink } from './agent-link.ts';
import { createAgentRequests } from './agent-requests.ts';
import { createAgentSecrets } from './agent-secrets.ts';
import { createAgentStores } from './agent-stores.ts';
import { createRequests } from './control-requests.ts';
import { createLeaveRequests } from './leave-requests.ts';
import type { Agent, AgentOptions } from './running-agent.ts';

/** Starts the agent on what its home keeps; resolves when every store was read once. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { home, identity, logger } = options;
  const { keys, membership } = identity;
  const node = nodeIdOf(keys.signing.publicKey);
  const journal = await openJournal(home, { owner: node, at: step => options.at?.(`journal-${step}`) });
  const vault = createRecordVault(keys, membership);
  const memory = restoreMemory(journal, vault, logger);
  const requests = createRequests((request, control) => driver.dispatch({ type: 'asked', request, control }));
  const run = randomBytes(8).toString('hex');
  const elapsed = createElapsedClock();
  const inputs = createInputJournal<ReturnType<typeof createAgentState>, AgentEvent>({
    directory: home,
    run,
    onTrouble: error => logger.note(note('inputs-refused', { why: error instanceof Error ? error.name : 'unknown' })),
  });
  let { places, providers, reload } = options;
  const stopped = Promise.withResolvers<void>();
  const keeper = createKeeper(journal, vault, logger);

  const stores = createAgentStores({
    vault,
    logger,
    machine: () => driver,
    elapsed,
    onWritten: (...login) => reloader.written(...login),
    at: options.at,
  });
  const reloader = createReloader({
    settings: () => reload,
    // What a gateway wrote over is seen, and told.
    onReloaded: stores.rereadAll,
    onTrouble: (stateDir, { reason }) => logger.note(note('reload-troubled', { file: stateDir, why: reason })),
  });
  // What the vault took from the stores is told in the coordinator's time: by the offset that is known now.
  const link = createAgentLink({
    identity,
    vault,
    logger,
    machine: () => driver,
    onClockOffset: () => stores.rereadAll(),
    at: options.at,
  });
  const health = createHealthChecks((claim, run, { ok, why }) =>
    driver.dispatch({ type: 'health-checked', claim, run, ok, why }),
  );
  const exchanges = createLeaseExchanges({
    vault,
    keeper,
    lent: stores.lent,
    providers: () => providers,
    elapsed,
    clockOffsetMs: () => driver.state.clockOffsetMs,
    onEnded: (account, epoch, outcome) => driver.dispatch({ type: 'exchanged', account, epoch, outcome }),
    at: options.at,
  });
  const secrets = createAgentSecrets({
    home,
    membership,
    tell: event => driver.dispatch(event),
    send: link.send,
    now: () => Date.now() - driver.state.clockOffsetMs,
  });
  const timers = createTimers<AgentTimer>(timer => driver.dispatch({ type: 'timer-fired', timer }));
  const driver = createDriver({
    transition,
    state: createAgentState({
      node,
      name: membership.name,
      fleet: membership.fleet,
      config: options.config,
      memory,
      overview: await readOverview(home),
      run,
    }),
    execute: createExecutor({
      link,
      stores,
      timers,
      requests,
      health,
      journal,
      keeper,
      logger,
      onLinkClosed: message => driver.dispatch({ type: 'link-closed', reason: 'lost', message }),
      onStop: stopped.resolve,
      exchange: exchanges.begin,
      onSecretErrand: secrets.run,
    }),
    now: Date.now,
    elapsed,
    awake: () => performance.now(),
    drawSeed: () => randomInt(2 ** 32),
    onInput: inputs.record,
    onCrash: error => {
      inputs.flush();
      options.onCrash(error);
    },
  });

  await stores.watch(places);
  for (const { stateDir, gatewaySees } of stores.directories()) if (gatewaySees === 'nothing') reloader.owed(stateDir);
  const stopClock = watchClock({
    onJump: byMs => {
      driver.dispatch({ type: 'clock-jumped', byMs });
      void stores.rescan();
    },
  });
  driver.dispatch({ type: 'started' });
  void secrets.change(options.secrets);
  const coordinatorAlert = watchCoordinator(() => driver.state, logger, options.alerts);
  const decay = createDecayWatch(() => driver.state, logger.note);

  return {
    ...createAgentRequests({ home, machine: driver, requests, stores, reloader, keeper, decay }),
    ...createLeaveRequests(requests, stores, reloader),
    async configure({ config, places: changed, providers: known, reload: wanted, secrets: compared, alerts }) {
      coordinatorAlert.configure(alerts);
      void secrets.change(compared);
      reload = wanted;
      providers = known;
      driver.dispatch({ type: 'configured', config: withCreation(config, stores.directories()) });
      if (JSON.stringify(changed) === JSON.stringify(places)) return;
      places = changed;
      await stores.watch(places);
    },
    async close() {
      driver.dispatch({ type: 'drain-requested' });
      await stopped.promise;
      // A refresh token that is on its way is waited for: nobody else could tell what came of it.
      await exchanges.settled();
      await stores.settled();
      await reloader.close();
      await driver.settled();
      stopClock();
      decay.stop();
      coordinatorAlert.stop();
      await secrets.close();
      await health.stop();
      timers.clearAll();
      link.close();
      await stores.close();
      await journal.close();
      inputs.close();
    },
  };
}
