import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { AgentEvent } from '@authmesh/agent/core/event';
import type { AgentState } from '@authmesh/agent/core/state';
import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorEvent } from '@authmesh/coordinator/core/event';
import type { PoolTerms } from '@authmesh/coordinator/core/pool/terms';
import type { CoordinatorState } from '@authmesh/coordinator/core/state';
import { mix } from '@authmesh/shared/core/chance';
import type { FleetId, NodeId } from '@authmesh/shared/core/identifiers';
import type { Transition } from '@authmesh/shared/core/machine';
import type { NoteName } from '@authmesh/shared/core/notes';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { Central } from '../central.ts';
import type { Checks } from '../checkers/check.ts';
import type { CommandEnd } from '../command-line.ts';
import type { FaultRates } from '../faults.ts';
import type { Host } from '../host.ts';
import type { Issuer } from '../issuer.ts';
import type { EndpointFaults } from '../refreshing.ts';
import type { Trace } from '../trace.ts';
import { createNetwork, type Link, type Network } from './network.ts';
import { createQueue, type Queue } from './queue.ts';
import { createRandom, type Random } from './random.ts';
import { createSeals, type Seals } from './seals.ts';

/** The machines under test; a canary puts a broken one in their place. */
export interface Cores {
  readonly agent: Transition<AgentState, AgentEvent, AgentEffect>;
  readonly coordinator: Transition<CoordinatorState, CoordinatorEvent, CoordinatorEffect>;
}

/** Everything that one run is made of. */
export interface World {
  readonly seed: number;
  readonly cores: Cores;
  readonly fleet: FleetId;
  now: Instant;
  /** Transitions of the cores so far. */
  steps: number;
  readonly queue: Queue;
  /** Chance of the shells. */
  readonly random: Random;
  /** How long something takes: drawn between two bounds, or the lower one in a transcript. */
  readonly pace: (leastMs: Milliseconds, mostMs: Milliseconds) => Milliseconds;
  readonly network: Network;
  readonly issuer: Issuer;
  readonly seals: Seals;
  readonly hosts: Host[];
  readonly hostsById: Map<NodeId, Host>;
  central: Central;
  readonly faults: FaultRates;
  readonly trace: Trace;
  readonly checks: Checks;
  readonly notes: Map<NoteName, number>;
  /** What the coordinator's configuration says of sessions. */
  readonly pools: readonly PoolTerms[];
  readonly endpoints: EndpointFaults;
  /** Links of operators' commands. */
  readonly commands: Map<Link, CommandEnd>;
}

/**
 * The number that a transition draws chance from: of the moment and the place alone, so that a change elsewhere does
 * not move a transcript's back-offs.
 */
export function seedAt({ seed, now }: World, place: number): number {
  return mix(mix(seed ^ (now | 0)) + place);
}

/** Where virtual time begins. */
export const genesis: Instant = Date.UTC(2026, 2, 1);

export interface WorldOptions {
  readonly seed: number;
  readonly cores: Cores;
  readonly issuer: Issuer;
  readonly central: Central;
  readonly fleet: FleetId;
  readonly faults: FaultRates;
  readonly trace: Trace;
  readonly checks: Checks;
  readonly pools: readonly PoolTerms[];
  /** How much network latencies vary; 0 for transcripts. */
  readonly jitter: number;
  readonly endpoints?: EndpointFaults | undefined;
}

export function createWorld(options: WorldOptions): World {
  const queue = createQueue();
  const random = createRandom(options.seed);
  const world: World = {
    seed: options.seed,
    cores: options.cores,
    fleet: options.fleet,
    now: genesis,
    steps: 0,
    queue,
    random,
    pace: options.jitter > 0 ? random.between : leastMs => leastMs,
    network: createNetwork({
      now: () => world.now,
      schedule: queue.schedule,
      random: random.fork(1),
      delays: () => options.faults.delay,
      jitter: options.jitter,
    }),
    issuer: options.issuer,
    seals: createSeals(),
    hosts: [],
    hostsById: new Map(),
    central: options.central,
    faults: options.faults,
    trace: options.trace,
    checks: options.checks,
    notes: new Map(),
    pools: options.pools,
    endpoints: options.endpoints ?? {},
    commands: new Map(),
  };
  return world;
}

/** Runs `run` after a delay of virtual time. */
export function after(world: World, delayMs: Milliseconds, run: () => void): void {
  world.queue.schedule(world.now + delayMs, run);
}

/** Lets time pass until `until`; false when `stop` said so earlier. */
export function advance(world: World, until: Instant): void {
  const { queue } = world;
  while (queue.nextAt() <= until) {
    world.now = queue.nextAt();
    queue.take()?.();
  }
  world.now = until;
}
