import type { AgentConfig } from '@authmesh/agent/core/config';
import type { AgentTimer } from '@authmesh/agent/core/event';
import type { AgentState } from '@authmesh/agent/core/state';
import type { AccountId, Fingerprint, NodeId, ProfileId, Sealed, StoreId } from '@authmesh/shared/core/identifiers';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { Family } from './issuer.ts';
import { createStore, type Disk, type Entry } from './world/disk.ts';
import { createJournal, type Journal } from './world/journal.ts';
import { createWay, type Link, type Way } from './world/network.ts';
import type { Credential, Secret } from './world/secret.ts';
import type { Timers } from './world/timers.ts';
import { after, type World } from './world/world.ts';

/** One running agent process: all of it is lost in a crash. */
export interface Agent {
  state: AgentState;
  readonly vault: Map<Fingerprint, Credential>;
  readonly timers: Timers<AgentTimer>;
  readonly startedAt: Instant;
  /** How far its clock that counts sleep went ahead, for the wall clock was set forward: it cannot tell that from sleep. */
  aheadMs: Milliseconds;
  /** How long the host slept since. */
  sleptMs: Milliseconds;
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
  /** Logins whose lock it holds: that of a process which is gone counts for nothing. */
  readonly refreshing: Set<AccountId>;
}

/** One enrolled host: its disk and journal outlive its agent's processes. */
export interface Host {
  readonly index: number;
  readonly id: NodeId;
  readonly name: string;
  readonly disk: Disk;
  journal: Journal;
  readonly way: Way;
  config: AgentConfig;
  /** This host's wall clock minus true time. */
  skewMs: Milliseconds;
  /** Somebody set its clock while it ran: what its stores say of expiry may be wrong from then on. */
  clockWasSet: boolean;
  /** In the future while it sleeps: nothing runs until then. */
  asleepUntil: Instant;
  /** Logins under refresh, by its OpenClaw or its agent: one at a time on a host (the refresh lock of 2026.4.20). */
  readonly refreshing: Set<AccountId>;
  /** Its gateway goes on with the pair that it once read, whatever the store holds (2026.2.26 to 2026.3.22). */
  remembersPairs: boolean;
  /** What its gateway remembers of each store, where it does, until it is told to read it anew. */
  readonly snapshots: Map<StoreId, ReadonlyMap<ProfileId, Entry>>;
  agent: Agent | undefined;
  /** Whether it was joined: only then is its agent kept running. */
  member: boolean;
  /** It was one. */
  hasLeft: boolean;
  /** Refresh tokens that it alone had in a store when it left. */
  readonly tookAlong: Set<Secret>;
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
    refreshing: new Set(),
    remembersPairs: false,
    snapshots: new Map(),
    agent: undefined,
    member: false,
    hasLeft: false,
    tookAlong: new Set(),
    joining: false,
  };
}

/** Whether any host's clock was set while it ran, the central one's too. */
export function clockWasSet(world: World): boolean {
  return world.central.clockWasSet || world.hosts.some(host => host.clockWasSet);
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
