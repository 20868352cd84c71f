import { hour, type Instant, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import { crashAgent } from './agent-process.ts';
import { crashCoordinator, startCoordinator, tellCoordinator } from './central.ts';
import { cutLink } from './connection.ts';
import { healRates } from './faults.ts';
import type { Host } from './host.ts';
import { forgetDepartures } from './leaving.ts';
import { setCentralClock, setClock } from './operator.ts';
import { healEndpoints } from './refreshing.ts';
import { sleepHost } from './sleep.ts';
import { writeLine } from './trace.ts';
import { storeChanged } from './watching.ts';
import type { Random } from './world/random.ts';
import { type Backup, backUp, restoreBackup } from './world/records.ts';
import { after, type World } from './world/world.ts';

/** Every kind of trouble that a run may have beside crashes at effects. */
export const troubles = [
  'partition',
  'one-way',
  'cut',
  'slow',
  'sleep',
  'clock',
  'torn',
  'full-disk',
  'read-only',
  'power',
  'coordinator-crash',
  'coordinator-drain',
  'coordinator-full',
  'coordinator-restored',
  'coordinator-clock',
] as const;
export type Trouble = (typeof troubles)[number];

/** The trouble of one run. */
export interface Chaos {
  readonly enabled: readonly Trouble[];
  /** Mean time between two troubles. */
  readonly everyMs: Milliseconds;
  /** Until then everything that was broken has mended. */
  readonly endsAt: Instant;
  backup: Backup | undefined;
}

/** Makes trouble until the end; what it breaks mends by itself after a while, at the latest then. */
export function makeTrouble(world: World, chaos: Chaos, random: Random): void {
  const next = () => {
    if (world.now >= chaos.endsAt) return;
    if (chaos.enabled.length > 0) strike(world, chaos, random.pick(chaos.enabled), random.pick(world.hosts), random);
    after(world, 1 + random.below(2 * chaos.everyMs), next);
  };
  after(world, random.below(chaos.everyMs), next);
}

const restartMs: Milliseconds = 200;

function strike(world: World, chaos: Chaos, trouble: Trouble, host: Host, random: Random): void {
  const leftMs = chaos.endsAt - world.now;
  const lastsMs = Math.min(random.between(1, 120) * second, leftMs);
  if (world.trace.write)
    writeLine(world.trace, world.now, trouble.startsWith('coord') ? 'coordinator' : host.name, `** ${trouble}`);
  switch (trouble) {
    case 'partition':
      return partition(world, host, ['up', 'down'], lastsMs);
    case 'one-way':
      return partition(world, host, [random.pick(['up', 'down'] as const)], lastsMs);
    case 'cut':
      for (const link of [...host.way.links]) cutLink(world, host, link);
      return;
    case 'slow':
      host.way.slowMs = random.between(50, 2_000);
      return after(world, lastsMs, () => {
        host.way.slowMs = 0;
      });
    case 'sleep':
      return sleepHost(world, host, random.chance(0.1) ? Math.min(random.between(10, 40) * minute, leftMs) : lastsMs);
    case 'clock':
      if (host.asleepUntil <= world.now) setClock(world, host, random.between(-hour, hour));
      return;
    case 'torn':
      return tear(world, host, random, lastsMs);
    case 'full-disk':
      host.disk.full = true;
      return after(world, lastsMs, () => {
        host.disk.full = false;
      });
    case 'read-only':
      for (const store of host.disk.stores.values()) store.readOnly = true;
      return after(world, lastsMs, () => {
        for (const store of host.disk.stores.values()) store.readOnly = false;
      });
    case 'power':
      return crashAgent(world, host, true);
    case 'coordinator-crash':
      crashCoordinator(world);
      // A service manager that starts it again at once, and a holder of permits that does not find it soon.
      if (random.chance(0.5)) after(world, restartMs, () => startCoordinator(world));
      if (random.chance(0.5)) partition(world, holderOf(world) ?? host, ['up', 'down'], lastsMs);
      return;
    case 'coordinator-drain':
      if (world.central.process) tellCoordinator(world, world.central.process, { type: 'drain-requested' });
      return;
    case 'coordinator-full':
      world.central.records.full = true;
      return after(world, Math.min(lastsMs, 20 * second), () => {
        world.central.records.full = false;
      });
    case 'coordinator-restored':
      return takeOrRestore(world, chaos);
    case 'coordinator-clock': {
      // Its clock goes ahead, until the time is fetched from the network.
      const aheadMs = random.between(1, 180) * minute;
      if (world.central.clockIsAhead) return;
      setCentralClock(world, aheadMs);
      return after(world, Math.min(lastsMs * 4, leftMs), () => setCentralClock(world, -aheadMs));
    }
    default:
      trouble satisfies never;
  }
}

/** A host that has been given permits. */
function holderOf(world: World): Host | undefined {
  return world.hosts.find(({ agent }) => {
    for (const { permit } of agent?.state.claims.byId.values() ?? []) if (permit) return true;
    return false;
  });
}

function partition(world: World, host: Host, directions: readonly ('up' | 'down')[], lastsMs: Milliseconds): void {
  for (const direction of directions) host.way.cut[direction] = true;
  after(world, lastsMs, () => {
    if (host.asleepUntil > world.now) return;
    for (const direction of directions) world.network.mend(host.way, direction);
  });
}

/** OpenClaw died while it wrote in place: half a file, until somebody puts the other half back. */
function tear(world: World, host: Host, random: Random, lastsMs: Milliseconds): void {
  const store = random.pick([...host.disk.stores.values()]);
  if (store.condition !== 'whole') return;
  store.condition = 'torn';
  storeChanged(world, host, store);
  after(world, lastsMs, () => {
    store.condition = 'whole';
    storeChanged(world, host, store);
  });
}

/** The first time a backup is made; later the disk dies and the backup takes its place. */
function takeOrRestore(world: World, chaos: Chaos): void {
  if (!chaos.backup) {
    chaos.backup = backUp(world.central.records);
    return;
  }
  crashCoordinator(world);
  restoreBackup(world.central.records, chaos.backup);
  forgetDepartures(world);
  chaos.backup = undefined;
}

/** All faults end, and what was broken is whole again. */
export function heal(world: World): void {
  if (world.trace.write) writeLine(world.trace, world.now, 'world', '** healed');
  healRates(world.faults);
  healEndpoints(world.endpoints);
  world.central.records.full = false;
  for (const host of world.hosts) {
    host.disk.full = false;
    host.way.slowMs = 0;
    world.network.mend(host.way, 'up');
    world.network.mend(host.way, 'down');
    for (const store of host.disk.stores.values()) {
      store.readOnly = false;
      if (store.condition === 'torn') store.condition = 'whole';
    }
  }
}

/** Which troubles a seed has, and how often they come. */
export function drawChaos(random: Random, endsAt: Instant): Chaos {
  return {
    enabled: troubles.filter(() => random.chance(0.5)),
    everyMs: random.between(2, 30) * second,
    endsAt,
    backup: undefined,
  };
}

/** How long nothing may go wrong before liveness is asked: the longest back-off of a link and delivery retry, with slack. */
export const settleMs: Milliseconds = 3 * minute;
