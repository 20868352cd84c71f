import type { AgentConfig } from '@authmesh/agent/core/config';
import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { AgentEvent, AgentTimer } from '@authmesh/agent/core/event';
import type { AgentState } from '@authmesh/agent/core/state';
import { createAgentState } from '@authmesh/agent/core/state';
import type { AccountId, Fingerprint, FleetId, NodeId, Sealed, StoreId } from '@authmesh/shared/core/identifiers';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import { closeFromAgent, dial, sendUp } from './connection.ts';
import { createProfile, writeCredential } from './delivery.ts';
import { describeAgentEffect, describeAgentEvent } from './describe.ts';
import { crashesNow } from './faults.ts';
import type { Family } from './issuer.ts';
import { fold, foldText, writeLine } from './trace.ts';
import { observeStore, watchStores } from './watching.ts';
import { createStore, type Disk } from './world/disk.ts';
import { createJournal, type Journal, keep, recall } from './world/journal.ts';
import { createWay, type Link, type Way } from './world/network.ts';
import type { Credential } from './world/secret.ts';
import { clearTimer, createTimers, setTimer, type Timers } from './world/timers.ts';
import { after, seedAt, type World } from './world/world.ts';

/** A credential in a vault; its expiry is by the host's own clock while it was only read from a store here. */
export interface VaultEntry {
  readonly credential: Credential;
  readonly clock: 'host' | 'fleet';
}

/** One running agent process: all of it is lost in a crash. */
export interface Agent {
  state: AgentState;
  readonly vault: Map<Fingerprint, VaultEntry>;
  readonly timers: Timers<AgentTimer>;
  /** What the watcher last reported of each store. */
  readonly reported: Map<StoreId, number>;
  readonly toRead: Set<StoreId>;
  link: Link | undefined;
  /** Highest coordinator epoch it has seen. */
  epoch: number;
  /** The record that came with each account's last announcement. */
  readonly records: Map<AccountId, Sealed>;
  /** What the core was told of each login's renewals: a checker judges by it. */
  readonly told: Map<Family, number>;
  /** Stores that the core knows to be set aside. */
  readonly setAside: Set<StoreId>;
}

/** One enrolled host: its disk and journal outlive its agent's processes. */
export interface Host {
  readonly index: number;
  readonly id: NodeId;
  readonly name: string;
  readonly disk: Disk;
  readonly journal: Journal;
  readonly way: Way;
  config: AgentConfig;
  /** This host's wall clock minus true time. */
  skewMs: Milliseconds;
  /** Somebody set its clock while it ran: what its stores say of expiry may be wrong from then on. */
  clockWasSet: boolean;
  /** In the future while it sleeps: nothing runs until then. */
  asleepUntil: Instant;
  agent: Agent | undefined;
  /** Whether it was joined: only then is its agent kept running. */
  member: boolean;
  /** An operator is joining it, again and again until it works. */
  joining: boolean;
}

export function createHost(options: {
  readonly index: number;
  readonly id: NodeId;
  readonly name: string;
  readonly config: AgentConfig;
  readonly stores: readonly StoreId[];
  readonly latencyMs: Milliseconds;
  readonly skewMs: Milliseconds;
}): Host {
  const { index, id, name, config, skewMs } = options;
  return {
    index,
    id,
    name,
    disk: { stores: new Map(options.stores.map(store => [store, createStore(store)])), full: false },
    journal: createJournal(),
    way: createWay(options.latencyMs),
    config,
    skewMs,
    clockWasSet: false,
    asleepUntil: 0,
    agent: undefined,
    member: false,
    joining: false,
  };
}

/** Whether any host's clock was set while it ran. */
export function clockWasSet(world: World): boolean {
  return world.hosts.some(host => host.clockWasSet);
}

export function hostClock(world: World, host: Host): Instant {
  return world.now + host.skewMs;
}

/** Runs on the host after a delay, or when it wakes. */
export function afterOnHost(world: World, host: Host, delayMs: Milliseconds, run: () => void): void {
  after(world, delayMs, () => {
    if (host.asleepUntil > world.now) afterOnHost(world, host, host.asleepUntil - world.now + 1, run);
    else run();
  });
}

/** Starts the agent from its journal. */
export function startAgent(world: World, host: Host): void {
  if (host.agent) return;
  const fleet: FleetId = world.fleet;
  const agent: Agent = {
    state: createAgentState({
      node: host.id,
      name: host.name,
      fleet,
      config: host.config,
      memory: recall(host.journal),
    }),
    vault: new Map(),
    timers: createTimers(),
    reported: new Map(),
    toRead: new Set(),
    link: undefined,
    epoch: 0,
    records: new Map(),
    told: new Map(),
    setAside: new Set(),
  };
  for (const { facts, sealed } of host.journal.accounts.values()) {
    agent.epoch = Math.max(agent.epoch, facts.position.epoch);
    const ticket = sealed === undefined ? undefined : world.seals.open(sealed);
    if (!ticket || sealed === undefined) continue;
    agent.records.set(facts.account, sealed);
    agent.vault.set(ticket.credential.access.print, { credential: ticket.credential, clock: 'fleet' });
  }
  host.agent = agent;
  tell(world, host, agent, { type: 'started' });
  watchStores(world, host, agent);
}

/** The process is gone, and all that was not synced with it. The socket dies with it, unless the host lost its power. */
export function crashAgent(world: World, host: Host, powerLost: boolean): void {
  const { agent } = host;
  if (!agent) return;
  if (world.trace.write) writeLine(world.trace, world.now, host.name, powerLost ? '** power lost' : '** crash');
  host.agent = undefined;
  if (agent.link && !powerLost) closeFromAgent(world, agent.link);
  else if (agent.link) agent.link.agentOpen = false;
}

/** Gives the core an event and carries out what it answers, in order; a crash may come between any two effects. */
export function tell(world: World, host: Host, agent: Agent, event: AgentEvent): void {
  if (host.agent !== agent) return;
  const { trace, checks } = world;
  const at = hostClock(world, host);
  world.steps++;
  fold(trace, world.now);
  fold(trace, host.index);
  foldText(trace, event.type);
  if (trace.write) writeLine(trace, world.now, host.name, describeAgentEvent(world, event));
  const step = world.cores.agent(agent.state, { at, seed: seedAt(world, host.index), event });
  agent.state = step.state;
  checks.agentStepped(world, host, agent, event);
  for (const effect of step.effects) {
    foldText(trace, effect.type);
    if (trace.write) writeLine(trace, world.now, host.name, `  → ${describeAgentEffect(world, effect)}`);
    checks.agentEffect(world, host, agent, effect);
    if (crashesNow(world.faults)) {
      crashAgent(world, host, world.random.chance(0.3));
      return;
    }
    execute(world, host, agent, effect);
    if (host.agent !== agent) return;
  }
}

function execute(world: World, host: Host, agent: Agent, effect: AgentEffect): void {
  switch (effect.type) {
    case 'dial':
      return dial(world, host, agent, effect.url);
    case 'close-link':
      if (agent.link) closeFromAgent(world, agent.link);
      return closed(world, host, agent);
    case 'send':
      return sendUp(world, host, agent, effect.message);
    case 'set-timer':
      return setTimer(agent.timers, effect.timer, effect.delayMs, {
        now: () => world.now,
        schedule: (delayMs, run) => afterOnHost(world, host, delayMs, run),
        fire: timer => tell(world, host, agent, { type: 'timer-fired', timer }),
      });
    case 'clear-timer':
      return clearTimer(agent.timers, effect.timer);
    case 'write-credential':
      return writeCredential(world, host, agent, effect);
    case 'create-profile':
      return createProfile(world, host, agent, effect);
    case 'remember': {
      // An agent that cannot sync its journal stops; its service manager brings it back.
      if (host.disk.full) return crashAgent(world, host, false);
      const { memory } = effect;
      const account = memory.kind === 'account' ? memory.account.account : undefined;
      world.checks.remembered(world, host, memory);
      return keep(host.journal, memory, account === undefined ? undefined : agent.records.get(account));
    }
    case 'reread':
      return afterOnHost(world, host, 5, () => observeStore(world, host, agent, effect.store, true));
    case 'stop':
      host.agent = undefined;
      if (agent.link) closeFromAgent(world, agent.link);
      return;
    case 'note':
      world.notes.set(effect.name, (world.notes.get(effect.name) ?? 0) + 1);
      return;
    case 'reply':
      return;
    default:
      effect satisfies never;
  }
}

/** The shell's own close comes back as the event of a closed link. */
function closed(world: World, host: Host, agent: Agent): void {
  const { link } = agent;
  if (!link) return;
  agent.link = undefined;
  afterOnHost(world, host, 1, () =>
    tell(world, host, agent, { type: 'link-closed', reason: 'lost', message: 'closed' }),
  );
}
