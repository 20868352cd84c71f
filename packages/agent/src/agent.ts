import { randomBytes } from 'node:crypto';
import type { AgentConfig } from '@authmesh/agent/core/config';
import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { AgentEvent, AgentTimer, ControlReply, WriteOutcome } from '@authmesh/agent/core/event';
import { createAgentState } from '@authmesh/agent/core/state';
import { transition } from '@authmesh/agent/core/transition';
import { adoptionStore, withCreation } from '@authmesh/agent/io/adoption-store';
import { type JournalStep, openJournal } from '@authmesh/agent/io/agent-journal';
import type { ParsedStore } from '@authmesh/agent/io/auth-profiles';
import { createDeliverer, type Deliverer, type DeliveryStep } from '@authmesh/agent/io/delivery';
import type { Identity } from '@authmesh/agent/io/identity';
import { type Link, openLink } from '@authmesh/agent/io/link';
import { createKeeper, restoreMemory } from '@authmesh/agent/io/memory-keeper';
import { createOverviewKeeper, readOverview } from '@authmesh/agent/io/overview-file';
import { createRecordVault, isPublish } from '@authmesh/agent/io/record-vault';
import { type Status, statusOf } from '@authmesh/agent/io/status-view';
import type { StateDirectory } from '@authmesh/agent/io/store-discovery';
import { createStoreWatcher, type StoreWatcher } from '@authmesh/agent/io/store-watcher';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { nodeIdOf } from '@authmesh/shared/crypto/signing';
import { watchClock } from '@authmesh/shared/node/clock-watch';
import type { Logger } from '@authmesh/shared/node/logger';
import { packageVersion } from '@authmesh/shared/node/version';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import { createDriver } from '@authmesh/shared/runtime/driver';
import { createInputJournal } from '@authmesh/shared/runtime/input-journal';
import { createTimers } from '@authmesh/shared/runtime/timers';

/** Moments at which a crash must lose nothing and leave nothing half: of a delivery, of the journal, of a publish. */
export type AgentStep = DeliveryStep | `journal-${JournalStep}` | 'publish-sending' | 'publish-sent';

export interface AgentOptions {
  readonly home: string;
  readonly identity: Identity;
  readonly config: AgentConfig;
  readonly stateDirs: readonly string[];
  readonly logger: Logger;
  /** The program found a fault of its own: the process has to end. */
  readonly onCrash: (error: unknown) => void;
  /** Told at each step; tests end the process there. */
  readonly at?: ((step: AgentStep) => void) | undefined;
}

/** A running agent: the machine, wired to this host. */
export interface Agent {
  readonly status: () => Promise<Status>;
  readonly adopt: (
    profiles: readonly string[],
    agentId: string | undefined,
  ) => Promise<Extract<ControlReply, { op: 'adopt' }>>;
  readonly configure: (config: AgentConfig, stateDirs: readonly string[]) => Promise<void>;
  /** Finishes deliveries under way and lets go of everything. */
  readonly close: () => Promise<void>;
}

/** Starts the agent on what its home keeps; resolves when every store was read once. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { home, identity, logger } = options;
  const { keys, membership } = identity;
  const journal = await openJournal(home, { at: step => options.at?.(`journal-${step}`) });
  const vault = createRecordVault(keys, membership);
  const memory = restoreMemory(journal, vault, logger);
  const replies = new Map<number, (reply: ControlReply) => void>();
  const inputs = createInputJournal<ReturnType<typeof createAgentState>, AgentEvent>({
    directory: home,
    run: randomBytes(8).toString('hex'),
    onTrouble: error => logger.note(note('inputs-refused', { why: error instanceof Error ? error.name : 'unknown' })),
  });
  let link: Link | undefined;
  let watcher: StoreWatcher | undefined;
  let stateDirs = options.stateDirs;
  let nextRequest = 1;
  let closed: (() => void) | undefined;
  const deliveries = new Set<Promise<void>>();
  const keep = createKeeper(journal, vault, logger);
  const keepOverview = createOverviewKeeper(home);
  let kept: Promise<void> = Promise.resolve();

  const timers = createTimers<AgentTimer>(timer => driver.dispatch({ type: 'timer-fired', timer }));
  const driver = createDriver({
    transition,
    state: createAgentState({
      node: nodeOf(identity),
      name: membership.name,
      fleet: membership.fleet,
      config: options.config,
      memory,
      overview: await readOverview(home),
    }),
    execute,
    now: Date.now,
    drawSeed: () => randomBytes(4).readUInt32LE(),
    onInput: inputs.record,
    onCrash: error => {
      inputs.flush();
      options.onCrash(error);
    },
  });

  const context = () => ({
    fingerprint: vault.fingerprint,
    now: Date.now(),
    clockOffsetMs: driver.state.clockOffsetMs,
  });
  const deliverer: Deliverer = createDeliverer({
    context,
    onRead: (store, parsed, delivered) => {
      takeCredentials(parsed);
      watcher?.accept(store, parsed, delivered);
    },
    onTrouble: (store, sentence) => logger.note(note('delivery-troubled', { store, why: sentence })),
    refusal: store => refusalOf(store),
    during: (store, work) => (watcher ? watcher.during(store, work) : work()),
    at: options.at,
  });

  function takeCredentials(parsed: ParsedStore): void {
    for (const [access, credential] of parsed.credentials) vault.put(access, credential);
  }

  function refusalOf(store: StoreId): string | undefined {
    const directory = watcher?.directories().find(({ stateDir }) => store.startsWith(stateDir));
    return directory?.foreign.length ? directory.foreign[0]?.reason : undefined;
  }

  function execute(effect: AgentEffect): void | Promise<void> {
    switch (effect.type) {
      case 'dial':
        return dial(effect.url);
      case 'close-link':
        link?.close();
        link = undefined;
        return driver.dispatch({ type: 'link-closed', reason: 'lost', message: 'the link fell silent' });
      case 'send':
        return effect.message.type === 'acknowledge' ? kept.then(() => send(effect)) : send(effect);
      case 'set-timer':
        return timers.set(effect.timer, effect.delayMs);
      case 'clear-timer':
        return timers.clear(effect.timer);
      case 'write-credential':
        return deliver(effect, effect.expected, false);
      case 'create-profile':
        return deliver(effect, {}, true);
      case 'remember':
        // What is kept comes out the same from the stores after a crash: only an acknowledgement waits for it.
        kept = keep(effect.memory);
        return;
      case 'reply':
        replies.get(effect.request)?.(effect.reply);
        replies.delete(effect.request);
        return;
      case 'reread':
        return watcher?.reread(effect.store);
      case 'stop':
        return closed?.();
      case 'note':
        return logger.note(effect);
      default:
        effect satisfies never;
    }
  }

  function dial(url: string): void {
    link?.close();
    link = openLink(
      {
        url,
        nodeKey: keys.signing,
        fleet: membership.fleet,
        coordinatorKey: membership.coordinatorKey,
        role: 'daemon',
        version: packageVersion(),
        epoch: driver.state.epoch,
        now: Date.now,
      },
      {
        opened: ({ clockOffsetMs, epoch, policy }) => {
          const before = driver.state.clockOffsetMs;
          driver.dispatch({ type: 'link-opened', url, clockOffsetMs, epoch, policy });
          // What the vault took from the stores is told in the coordinator's time: by the offset that is known now.
          if (driver.state.clockOffsetMs !== before) rereadAll();
        },
        message: message => driver.dispatch({ type: 'frame-received', message }),
        announcement: announcement => driver.dispatch(announcedEvent(announcement)),
        closed: (reason, message) => driver.dispatch({ type: 'link-closed', reason, message }),
      },
    );
  }

  function rereadAll(): void {
    for (const store of driver.state.stores.keys()) watcher?.reread(store);
  }

  function announcedEvent(announcement: Announcement): AgentEvent {
    const { type: _, sealed: __, ...facts } = announcement;
    return { type: 'announced', facts, problem: vault.open(announcement) };
  }

  function send({ message }: Extract<AgentEffect, { type: 'send' }>): void {
    if (!isPublish(message)) return link?.send(message);
    const made = vault.attach(message);
    if ('problem' in made)
      logger.note(note('publish-impossible', { store: message.observation.store, why: made.problem }));
    else {
      options.at?.('publish-sending');
      link?.send(made.message);
      options.at?.('publish-sent');
    }
  }

  function deliver(
    effect: Extract<AgentEffect, { type: 'write-credential' | 'create-profile' }>,
    expected: Extract<AgentEffect, { type: 'write-credential' }>['expected'],
    isNew: boolean,
  ): void {
    const { store, profile, form, access, refresh } = effect;
    const known = vault.get(access);
    const settle = (outcome: WriteOutcome) => driver.dispatch({ type: 'write-settled', store, profile, outcome });
    if (!known) {
      queueMicrotask(() =>
        settle({ result: 'failed', reason: 'the login’s record is not at hand; it comes with the next announcement' }),
      );
      return;
    }
    const credential = refresh === undefined ? { ...known, refresh: undefined } : known;
    const delivery = deliverer.deliver({ store, profile, expected, credential, form, isNew }).then(settle);
    deliveries.add(delivery);
    void delivery.finally(() => deliveries.delete(delivery));
  }

  async function watchStores(): Promise<void> {
    await watcher?.close();
    watcher = await createStoreWatcher({
      stateDirs,
      context,
      onStore: (store, parsed) => {
        takeCredentials(parsed);
        driver.dispatch({ type: 'store-observed', store, seen: parsed.seen });
      },
      onDirectories: directories => {
        noteForeign(directories, logger);
        driver.dispatch({ type: 'configured', config: withCreation(driver.state.config, directories) });
      },
      onTrouble: sentence => logger.note(note('watching-troubled', { why: sentence })),
    });
  }

  function request(control: Extract<AgentEvent, { type: 'asked' }>['control']): Promise<ControlReply> {
    return new Promise(resolve => {
      const number = nextRequest++;
      replies.set(number, resolve);
      driver.dispatch({ type: 'asked', request: number, control });
    });
  }

  await watchStores();
  const stopClock = watchClock({
    onJump: byMs => {
      driver.dispatch({ type: 'clock-jumped', byMs });
      void watcher?.rescan();
    },
  });
  driver.dispatch({ type: 'started' });

  return {
    async status() {
      await request({ op: 'status' });
      const { overview } = driver.state;
      if (overview) await keepOverview(overview);
      return statusOf(driver.state, Date.now(), watcher?.directories() ?? []);
    },
    async adopt(profiles, agentId) {
      await watcher?.rescan();
      const store = adoptionStore(watcher?.directories() ?? [], agentId);
      const reply = await request({ op: 'adopt', profiles, store });
      if (reply.op !== 'adopt') throw new TypeError('the machine answered another question');
      return reply;
    },
    async configure(config, dirs) {
      driver.dispatch({ type: 'configured', config: withCreation(config, watcher?.directories() ?? []) });
      if (dirs.join('\n') === stateDirs.join('\n')) return;
      stateDirs = dirs;
      await watchStores();
      // What is not configured any more leaves the fleet's care.
      const watched = new Set(watcher?.directories().flatMap(({ agents }) => agents.map(agent => agent.store)));
      for (const store of driver.state.stores.keys()) {
        if (!watched.has(store)) driver.dispatch({ type: 'store-observed', store, seen: { state: 'absent' } });
      }
    },
    async close() {
      const stopped = new Promise<void>(resolve => {
        closed = resolve;
      });
      driver.dispatch({ type: 'drain-requested' });
      await stopped;
      await Promise.all(deliveries);
      await driver.settled();
      stopClock();
      timers.clearAll();
      link?.close();
      await watcher?.close();
      await journal.close();
      inputs.close();
    },
  };
}

function nodeOf({ keys }: Identity) {
  return nodeIdOf(keys.signing.publicKey);
}

function noteForeign(directories: readonly StateDirectory[], logger: Logger): void {
  for (const { foreign } of directories) {
    for (const { path, reason } of foreign) logger.note(note('store-foreign', { file: path, why: reason }));
  }
}
