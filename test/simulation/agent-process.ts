import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { AgentEvent } from '@authmesh/agent/core/event';
import { createAgentState } from '@authmesh/agent/core/initial-state';
import type { FleetId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { closeFromAgent, dial, sendUp } from './connection.ts';
import { createProfile, writeCredential } from './delivery.ts';
import { describeAgentEffect, describeAgentEvent } from './describe.ts';
import { crashesNow } from './faults.ts';
import { type Agent, afterOnHost, type Host, hostClock } from './host.ts';
import { leaveReplied } from './leaving.ts';
import { markStore } from './marking.ts';
import { exchange } from './refreshing.ts';
import { fold, foldText, writeLine } from './trace.ts';
import { observeStore, watchStores } from './watching.ts';
import { keep, recall } from './world/journal.ts';
import { clearTimer, createTimers, setTimer } from './world/timers.ts';
import { seedAt, type World } from './world/world.ts';

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
      run: `${host.index} ${world.now}`,
    }),
    vault: new Map(),
    timers: createTimers({
      now: () => world.now,
      schedule: (delayMs, run) => afterOnHost(world, host, delayMs, run),
      fire: timer => tell(world, host, agent, { type: 'timer-fired', timer }),
    }),
    startedAt: world.now,
    aheadMs: 0,
    sleptMs: 0,
    reported: new Map(),
    toRead: new Set(),
    link: undefined,
    epoch: 0,
    records: new Map(),
    told: new Map(),
    setAside: new Set(),
    refreshing: new Set(),
  };
  for (const { facts, sealed } of host.journal.accounts.values()) {
    agent.epoch = Math.max(agent.epoch, facts.position.epoch);
    const ticket = sealed === undefined ? undefined : world.seals.open(sealed);
    if (!ticket || sealed === undefined) continue;
    agent.records.set(facts.account, sealed);
    agent.vault.set(ticket.credential.access.print, ticket.credential);
  }
  for (const { sealed } of host.journal.leases.values()) {
    const ticket = sealed === undefined ? undefined : world.seals.open(sealed);
    if (ticket) agent.vault.set(ticket.credential.access.print, ticket.credential);
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
  for (const account of agent.refreshing) host.refreshing.delete(account);
  if (agent.link && !powerLost) closeFromAgent(world, agent.link);
  else if (agent.link) agent.link.agentOpen = false;
}

/** Time by the clock of permits: it counts the host's sleep, and is rather ahead than behind. */
export function elapsedOf(world: World, agent: Agent): Milliseconds {
  return world.now - agent.startedAt + agent.aheadMs;
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
  const step = world.cores.agent(agent.state, {
    at,
    elapsed: elapsedOf(world, agent),
    awake: world.now - agent.startedAt - agent.sleptMs,
    seed: seedAt(world, host.index),
    event,
  });
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
      return setTimer(agent.timers, effect.timer, effect.delayMs);
    case 'clear-timer':
      return clearTimer(agent.timers, effect.timer);
    case 'write-credential':
      return writeCredential(world, host, agent, effect);
    case 'create-profile':
      return createProfile(world, host, agent, effect);
    case 'exchange':
      return exchange(world, host, agent, effect);
    case 'mark-store':
      return markStore(world, host, agent, effect);
    case 'remember': {
      // An agent that cannot sync its journal stops; its service manager brings it back.
      if (host.disk.full) return crashAgent(world, host, false);
      const { memory } = effect;
      const account = memory.kind === 'account' ? memory.account.account : undefined;
      world.checks.remembered(world, host, memory);
      return keep(host.journal, memory, account === undefined ? undefined : agent.records.get(account));
    }
    case 'secret-errand':
      // No host of these compares secrets.
      return;
    case 'reread':
      return observeAgain(world, host, agent, effect.store);
    case 'stop':
      host.agent = undefined;
      if (agent.link) closeFromAgent(world, agent.link);
      return;
    case 'note':
      world.notes.set(effect.name, (world.notes.get(effect.name) ?? 0) + 1);
      return;
    case 'reply':
      return leaveReplied(world, host, agent, effect.request, effect.reply);
    case 'check-health':
      return;
    default:
      effect satisfies never;
  }
}

// In a function of its own: what a function's closures hold has to be made at each of its calls.
function observeAgain(world: World, host: Host, agent: Agent, store: StoreId): void {
  afterOnHost(world, host, 5, () => observeStore(world, host, agent, store, true));
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
