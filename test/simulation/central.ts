import type { AlertTerms } from '@authmesh/coordinator/core/alerts/alerts';
import type { CoordinatorEffect } from '@authmesh/coordinator/core/effect';
import type { CoordinatorEvent, CoordinatorTimer, LinkId } from '@authmesh/coordinator/core/event';
import type { RecordKey } from '@authmesh/coordinator/core/record';
import type { CoordinatorState } from '@authmesh/coordinator/core/state';
import { createCoordinatorState } from '@authmesh/coordinator/core/stored-state';
import type { TellOutcome } from '@authmesh/shared/core/alerts/incident';
import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import { describeCoordinatorEffect, describeCoordinatorEvent } from './describe.ts';
import { crashesNow } from './faults.ts';
import type { Host } from './host.ts';
import { admit, announce, closeFromCoordinator, closePeer, probe, sendMessage, welcome } from './peers.ts';
import { storedState } from './stored-state.ts';
import { fold, foldText, writeLine } from './trace.ts';
import type { Link } from './world/network.ts';
import { compareAndSet, createRecords, type Records } from './world/records.ts';
import { clearTimer, createTimers, setTimer, type Timers } from './world/timers.ts';
import { after, seedAt, type World } from './world/world.ts';

/** The coordinator's end of a connection. */
export interface Peer {
  readonly link: Link;
  readonly host: Host;
}

/** One running coordinator process. */
export interface Process {
  state: CoordinatorState;
  readonly peers: Map<LinkId, Peer>;
  readonly timers: Timers<CoordinatorTimer>;
  readonly startedAt: Instant;
  /** The store takes one change after the other. */
  storeFreeAt: Instant;
}

/** The central host: its store outlives its processes. */
export interface Central {
  readonly records: Records;
  process: Process | undefined;
  /** Its wall clock minus true time. */
  skewMs: Milliseconds;
  clockIsAhead: boolean;
  /** Somebody set it: what it dated meanwhile is wrong until its home says so. */
  clockWasSet: boolean;
}

export function createCentral(skewMs: Milliseconds): Central {
  return { records: createRecords(), process: undefined, skewMs, clockIsAhead: false, clockWasSet: false };
}

/** Somebody is told of what is wrong. */
const alertTerms: AlertTerms = {
  channels: [{ name: 'pager', criticalOnly: false }],
  messagesPerHour: 30,
  nodeSilentMs: 15 * minute,
};

/** Starts the coordinator on what its store holds. */
export function startCoordinator(world: World): void {
  const { central } = world;
  if (central.process) return;
  const process: Process = {
    state: createCoordinatorState({ ...storedState(central.records), poolTerms: world.pools, alertTerms }),
    peers: new Map(),
    timers: createTimers({
      now: () => world.now,
      schedule: (delayMs, run) => after(world, delayMs, run),
      fire: timer => tellCoordinator(world, process, { type: 'timer-fired', timer }),
    }),
    startedAt: world.now,
    storeFreeAt: 0,
  };
  central.process = process;
  tellCoordinator(world, process, { type: 'started' });
}

/** The process is gone; its sockets are reset. */
export function crashCoordinator(world: World): void {
  const { process } = world.central;
  if (!process) return;
  if (world.trace.write) writeLine(world.trace, world.now, 'coordinator', '** crash');
  endProcess(world, process);
}

function endProcess(world: World, process: Process): void {
  world.central.process = undefined;
  for (const { link, host } of process.peers.values()) closeFromCoordinator(world, host, link, 'lost');
}

/** Gives the core an event and carries out what it answers, in order. */
export function tellCoordinator(world: World, process: Process, event: CoordinatorEvent): void {
  if (world.central.process !== process) return;
  const { trace, checks } = world;
  world.steps++;
  fold(trace, world.now);
  fold(trace, -1);
  foldText(trace, event.type);
  if (trace.write) writeLine(trace, world.now, 'coordinator', describeCoordinatorEvent(world, process, event));
  const at = world.now + world.central.skewMs;
  const step = world.cores.coordinator(process.state, {
    at,
    elapsed: world.now - process.startedAt,
    awake: world.now - process.startedAt,
    seed: seedAt(world, -1),
    event,
  });
  process.state = step.state;
  checks.coordinatorStepped(world, process, event);
  for (const effect of step.effects) {
    foldText(trace, effect.type);
    if (trace.write)
      writeLine(trace, world.now, 'coordinator', `  → ${describeCoordinatorEffect(world, process, effect)}`);
    checks.coordinatorEffect(world, process, effect);
    if (crashesNow(world.faults)) return crashCoordinator(world);
    execute(world, process, effect);
  }
}

function execute(world: World, process: Process, effect: CoordinatorEffect): void {
  switch (effect.type) {
    case 'welcome':
      return welcome(world, process, effect.link, effect);
    case 'admit':
      return admit(world, process, effect.link);
    case 'refuse':
      return closePeer(world, process, effect.link, effect.reason, effect.message);
    case 'close-link':
      return closePeer(world, process, effect.link, effect.reason, effect.reason);
    case 'probe':
      return probe(world, process, effect.link);
    case 'send':
      return sendMessage(world, process, effect.link, effect.message);
    case 'announce':
      return announce(world, process, effect.announcement, effect.links);
    case 'compare-and-set':
      return persist(world, process, effect.key, effect.expected, effect.value);
    case 'audit':
    case 'propagated':
      return;
    case 'tell':
      return page(world, process, effect);
    case 'set-timer':
      return setTimer(process.timers, effect.timer, effect.delayMs);
    case 'clear-timer':
      return clearTimer(process.timers, effect.timer);
    case 'stop':
      if (world.central.process === process) endProcess(world, process);
      return;
    case 'note':
      world.notes.set(effect.name, (world.notes.get(effect.name) ?? 0) + 1);
      return;
    default:
      effect satisfies never;
  }
}

/** The receiver takes a message after a while, or is not there. */
function page(world: World, process: Process, { channel }: Extract<CoordinatorEffect, { type: 'tell' }>): void {
  const isAway = world.pace(0, 1) > 0 && seedAt(world, -2) % 8 === 0;
  const outcome: TellOutcome = isAway ? { ok: false, why: 'it is not there' } : { ok: true };
  after(world, world.pace(5, 50), () => tellCoordinator(world, process, { type: 'told', channel, outcome }));
}

/** The store commits after a while, and its answer takes a while: a crash may come before, between or after. */
function persist(world: World, process: Process, key: RecordKey, expected: number, value: unknown): void {
  const at = Math.max(process.storeFreeAt, world.now) + world.pace(0, 2);
  process.storeFreeAt = at;
  world.queue.schedule(at, () => {
    if (world.central.process !== process) return;
    if (crashesNow(world.faults)) return crashCoordinator(world);
    const outcome = compareAndSet(world.central.records, key, expected, value);
    if (crashesNow(world.faults)) return crashCoordinator(world);
    after(world, 1, () => {
      if (outcome.result === 'set') {
        tellCoordinator(world, process, { type: 'persist-succeeded', key, storeRevision: outcome.revision });
      } else if (outcome.result === 'refused') {
        tellCoordinator(world, process, { type: 'persist-failed', key, reason: 'database or disk is full' });
      } else {
        const { value: stands, revision } = outcome.stored ?? { value: undefined, revision: 0 };
        tellCoordinator(world, process, { type: 'persist-conflicted', key, value: stands, storeRevision: revision });
      }
    });
  });
}
