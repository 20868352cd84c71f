import type { AgentEffect, Memory } from '@authmesh/agent/core/effect';
import type { AgentEvent, SeenStore } from '@authmesh/agent/core/event';
import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorEvent } from '@authmesh/coordinator/core/event';
import type { PoolTerms } from '@authmesh/coordinator/core/pool/terms';
import type { AccountId, ProfileId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { Process } from '../central.ts';
import type { Agent, Host } from '../host.ts';
import type { Entry, Store } from '../world/disk.ts';
import type { Credential, Secret } from '../world/secret.ts';
import type { World } from '../world/world.ts';

/** What authmesh wrote into a store. */
export interface StoreWrite {
  readonly host: Host;
  readonly agent: Agent;
  readonly store: Store;
  readonly profile: ProfileId;
  readonly account: AccountId;
  readonly credential: Credential;
  readonly before: Entry | undefined;
  readonly after: Entry;
  readonly otherBefore: number;
}

/** The effects that write into a store. */
export type Delivery = Extract<AgentEffect, { type: 'write-credential' | 'create-profile' }>;

/** What checkers listen to. Each is called at every step, so each has to be cheap. */
export interface Checks {
  readonly agentStepped: (world: World, host: Host, agent: Agent, event: AgentEvent) => void;
  /** Before the effect is carried out. */
  readonly agentEffect: (world: World, host: Host, agent: Agent, effect: AgentEffect) => void;
  readonly coordinatorStepped: (world: World, process: Process, event: CoordinatorEvent) => void;
  /** Before the effect is carried out. */
  readonly coordinatorEffect: (world: World, process: Process, effect: CoordinatorEffect) => void;
  /** Before the journal has it. */
  readonly remembered: (world: World, host: Host, memory: Memory) => void;
  /** A `publish` is about to leave with these bytes. */
  readonly sealed: (world: World, host: Host, observation: Observation, credential: Credential | undefined) => void;
  /** A store was read, and the core is about to hear of it. */
  readonly seen: (world: World, host: Host, agent: Agent, store: Store, seen: SeenStore) => void;
  readonly wrote: (world: World, write: StoreWrite) => void;
  /** Sessions of a pool were let go: by a delivery, or by a command. */
  readonly letGo: (world: World, woken: Woken) => void;
  /** The fleet's use of a refresh token has reached the issuer, under this lease. */
  readonly spent: (
    world: World,
    host: Host,
    refresh: Secret,
    lease: Extract<AgentEffect, { type: 'exchange' }>,
  ) => void;
  /** OpenClaw used a login of a store, or was refused with it. */
  readonly used: (world: World, store: Store, profile: ProfileId) => void;
}

/** Sessions that come back from now on. */
export interface Woken {
  readonly terms: PoolTerms;
  readonly sessions: number;
  readonly settleMs: Milliseconds;
  readonly who: string;
  /** Whose use of which login shows that they are back. */
  readonly store?: Store | undefined;
  readonly profile?: ProfileId | undefined;
}

/** One listener for a kind of effect, called before it is carried out. */
type AgentEffectListeners = {
  readonly [Type in AgentEffect['type']]?: (
    world: World,
    host: Host,
    agent: Agent,
    effect: Extract<AgentEffect, { type: Type }>,
  ) => void;
};
type CoordinatorEffectListeners = {
  readonly [Type in CoordinatorEffect['type']]?: (
    world: World,
    process: Process,
    effect: Extract<CoordinatorEffect, { type: Type }>,
  ) => void;
};

/** What one checker listens to: to every effect, or to those of some kinds alone, which costs the others nothing. */
export type Checker = Partial<Checks> & {
  readonly agentEffects?: AgentEffectListeners;
  readonly coordinatorEffects?: CoordinatorEffectListeners;
};

/** An invariant is broken: the run ends here. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, sentence: string) {
    super(`${invariant}: ${sentence}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}

/** All checkers as one. */
export function composeChecks(checkers: readonly Checker[]): Checks {
  const agentStepped = listeners(checkers, 'agentStepped');
  const agentEffect = listeners(checkers, 'agentEffect');
  const agentEffects = listenersByType<Checks['agentEffect']>(checkers.map(checker => checker.agentEffects));
  const coordinatorStepped = listeners(checkers, 'coordinatorStepped');
  const coordinatorEffect = listeners(checkers, 'coordinatorEffect');
  const coordinatorEffects = listenersByType<Checks['coordinatorEffect']>(
    checkers.map(checker => checker.coordinatorEffects),
  );
  const remembered = listeners(checkers, 'remembered');
  const sealed = listeners(checkers, 'sealed');
  const seen = listeners(checkers, 'seen');
  const wrote = listeners(checkers, 'wrote');
  const letGo = listeners(checkers, 'letGo');
  const spent = listeners(checkers, 'spent');
  const used = listeners(checkers, 'used');
  return {
    agentStepped: (world, host, agent, event) => {
      for (const check of agentStepped) check(world, host, agent, event);
    },
    agentEffect: (world, host, agent, effect) => {
      for (const check of agentEffect) check(world, host, agent, effect);
      for (const check of agentEffects.get(effect.type) ?? nobody) check(world, host, agent, effect);
    },
    coordinatorStepped: (world, process, event) => {
      for (const check of coordinatorStepped) check(world, process, event);
    },
    coordinatorEffect: (world, process, effect) => {
      for (const check of coordinatorEffect) check(world, process, effect);
      for (const check of coordinatorEffects.get(effect.type) ?? nobody) check(world, process, effect);
    },
    remembered: (world, host, memory) => {
      for (const check of remembered) check(world, host, memory);
    },
    sealed: (world, host, observation, entry) => {
      for (const check of sealed) check(world, host, observation, entry);
    },
    seen: (world, host, agent, store, seenStore) => {
      for (const check of seen) check(world, host, agent, store, seenStore);
    },
    wrote: (world, write) => {
      for (const check of wrote) check(world, write);
    },
    letGo: (world, woken) => {
      for (const check of letGo) check(world, woken);
    },
    spent: (world, host, refresh, lease) => {
      for (const check of spent) check(world, host, refresh, lease);
    },
    used: (world, store, profile) => {
      for (const check of used) check(world, store, profile);
    },
  };
}

function listeners<Name extends keyof Checks>(
  checkers: readonly Partial<Checks>[],
  name: Name,
): readonly Checks[Name][] {
  return checkers.flatMap((checker): Checks[Name][] => {
    const listener = checker[name];
    return listener ? [listener] : [];
  });
}

const nobody: readonly never[] = [];

/** Each listener hears of the kind under whose name it stands, so that it may be called with any effect of that kind. */
function listenersByType<Listener>(
  all: readonly (Readonly<Record<string, unknown>> | undefined)[],
): Map<string, Listener[]> {
  const byType = new Map<string, Listener[]>();
  for (const listening of all) {
    for (const [type, listener] of Object.entries(listening ?? {})) {
      byType.set(type, [...(byType.get(type) ?? []), listener as Listener]);
    }
  }
  return byType;
}
