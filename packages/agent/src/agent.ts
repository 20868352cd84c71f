import { randomBytes } from 'node:crypto';
import type { AgentConfig } from '@authmesh/agent/core/config';
import type { AgentEffect, Memory } from '@authmesh/agent/core/effect';
import type { AgentEvent, AgentTimer, ControlReply, WriteOutcome } from '@authmesh/agent/core/event';
import { createAgentState } from '@authmesh/agent/core/state';
import { transition } from '@authmesh/agent/core/transition';
import { type AgentJournal, type JournalEntry, type JournalStep, openJournal } from '@authmesh/agent/io/agent-journal';
import type { ParsedStore } from '@authmesh/agent/io/auth-profiles';
import { createDeliverer, type Deliverer, type DeliveryStep } from '@authmesh/agent/io/delivery';
import type { Identity } from '@authmesh/agent/io/identity';
import { type Link, openLink } from '@authmesh/agent/io/link';
import { createRecordVault, isPublish, type RecordVault } from '@authmesh/agent/io/record-vault';
import { type Status, statusOf } from '@authmesh/agent/io/status-view';
import type { StateDirectory } from '@authmesh/agent/io/store-discovery';
import { createStoreWatcher, type StoreWatcher } from '@authmesh/agent/io/store-watcher';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { nodeIdOf } from '@authmesh/shared/crypto/signing';
import { watchClock } from '@authmesh/shared/node/clock-watch';
import { AuthmeshError } from '@authmesh/shared/node/errors';
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
    onTrouble: error =>
      logger.say('warn', 'the journal of inputs stopped', { why: error instanceof Error ? error.name : 'unknown' }),
  });
  let link: Link | undefined;
  let watcher: StoreWatcher | undefined;
  let stateDirs = options.stateDirs;
  let nextRequest = 1;
  let closed: (() => void) | undefined;
  const deliveries = new Set<Promise<void>>();
  const keep = createKeeper(journal, vault, logger);
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
    onTrouble: (store, sentence) => logger.say('warn', 'beside a delivery', { store, why: sentence }),
    refusal: store => refusalOf(store),
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
        opened: ({ clockOffsetMs, epoch, policy }) =>
          driver.dispatch({ type: 'link-opened', url, clockOffsetMs, epoch, policy }),
        message: message => driver.dispatch({ type: 'frame-received', message }),
        announcement: announcement => driver.dispatch(announcedEvent(announcement)),
        closed: (reason, message) => driver.dispatch({ type: 'link-closed', reason, message }),
      },
    );
  }

  function announcedEvent(announcement: Announcement): AgentEvent {
    const { type: _, sealed: __, ...facts } = announcement;
    return { type: 'announced', facts, problem: vault.open(announcement) };
  }

  function send({ message }: Extract<AgentEffect, { type: 'send' }>): void {
    if (!isPublish(message)) return link?.send(message);
    const made = vault.attach(message);
    if ('problem' in made)
      logger.say('error', 'a login could not be published', { store: message.observation.store, why: made.problem });
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
      onTrouble: sentence => logger.say('warn', 'watching has trouble; the rescan goes on', { why: sentence }),
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
      return statusOf(driver.state, Date.now(), watcher?.directories() ?? []);
    },
    async adopt(profiles, agentId) {
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

/** What the journal kept goes back into the core's memory, its records into the vault. */
function restoreMemory(journal: AgentJournal, vault: RecordVault, logger: Logger): Memory[] {
  const memory: Memory[] = [];
  const { copies, accounts, damagedLines } = journal.contents;
  if (damagedLines > 0) logger.say('warn', 'lines of the journal were damaged and left out', { count: damagedLines });
  for (const [key, copy] of copies) memory.push({ kind: 'copy', key, copy });
  for (const { account, sealed } of accounts.values()) {
    // Without its record an account is as good as unknown: the coordinator sends it again.
    const problem = sealed === undefined ? 'its record is missing' : vault.restore(account, sealed);
    if (problem !== undefined) {
      logger.say('warn', 'a login of the journal was left out', { why: problem });
      continue;
    }
    vault.settle(account.account, account.access);
    memory.push({ kind: 'account', account });
  }
  return memory;
}

/** Keeps memory in the journal; what a full disk refuses is kept with the next entry that it takes. */
function createKeeper(journal: AgentJournal, vault: RecordVault, logger: Logger): (memory: Memory) => Promise<void> {
  let unsaved: JournalEntry[] = [];
  return async memory => {
    if (memory.kind === 'account') vault.settle(memory.account.account, memory.account.access);
    const entry: JournalEntry =
      memory.kind === 'account' ? { ...memory, sealed: vault.sealedOf(memory.account.access) } : memory;
    const entries = [...unsaved, entry];
    unsaved = [];
    try {
      await journal.append(entries);
    } catch (error) {
      unsaved = entries.slice(-unsavedMax);
      logger.say('error', 'the agent’s journal does not take entries; going on without', {
        why: error instanceof Error ? error.name : 'unknown',
      });
    }
  };
}

const unsavedMax = 10_000;

/** `sync.create` puts logins into the default agent's store, where one may be made. */
function withCreation(config: AgentConfig, directories: readonly StateDirectory[]): AgentConfig {
  const [agent] = directories.flatMap(({ agents, noCreation }) =>
    agents.filter(({ id, isPresent }) => id === 'main' && (isPresent || noCreation === undefined)),
  );
  return { ...config, createIn: agent?.store };
}

/** Where a new profile goes: the named agent's store, else the default agent's. */
function adoptionStore(directories: readonly StateDirectory[], agentId: string | undefined): StoreId {
  const wanted = agentId ?? 'main';
  for (const { agents, noCreation } of directories) {
    const agent =
      agents.find(({ id }) => id === wanted) ??
      (agentId === undefined ? agents.find(({ isPresent }) => isPresent) : undefined);
    if (!agent) continue;
    if (agent.isPresent || noCreation === undefined) return agent.store;
    throw new AuthmeshError('ERR_REFUSED', `no login can be put into ${agent.store}`, { hint: noCreation });
  }
  const reason = directories.find(directory => directory.noCreation !== undefined)?.noCreation;
  throw new AuthmeshError(
    'ERR_NOT_FOUND',
    agentId === undefined
      ? 'this host has no OpenClaw agent to give a login to'
      : `this host has no OpenClaw agent "${agentId}"`,
    {
      hint: reason ?? 'start OpenClaw once so that it makes its agent’s folder, or name another with --agent',
    },
  );
}

function noteForeign(directories: readonly StateDirectory[], logger: Logger): void {
  for (const { foreign } of directories) {
    for (const { path, reason } of foreign)
      logger.say('warn', 'logins that authmesh does not keep in step', { store: path, why: reason });
  }
}
