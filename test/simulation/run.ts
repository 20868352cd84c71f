import type { AgentConfig } from '@authmesh/agent/core/config';
import { transition as agentTransition } from '@authmesh/agent/core/transition';
import { transition as coordinatorTransition } from '@authmesh/coordinator/core/transition';
import type { ProfileId } from '@authmesh/shared/core/identifiers';
import type { NoteName } from '@authmesh/shared/core/notes';
import { type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import { startAgent } from './agent-process.ts';
import { createCentral, startCoordinator } from './central.ts';
import { drawChaos, heal, makeTrouble, settleMs } from './chaos.ts';
import { createChecks } from './checkers/all.ts';
import { type Checks, Violation } from './checkers/check.ts';
import { checkLiveness, livenessProblem } from './checkers/liveness.ts';
import { drawRates } from './faults.ts';
import {
  addHost,
  drawLogins,
  drawSkew,
  enrol,
  fleetId,
  homeConfig,
  plainConfig,
  type SharedLogin,
  vaultConfig,
} from './fleet.ts';
import type { Host } from './host.ts';
import { createIssuer } from './issuer.ts';
import { join, keepRunning } from './joining.ts';
import { drawHabits, type OpenClaw, useStores } from './openclaw.ts';
import { copyProfile, logIn } from './operator.ts';
import { drawEndpoints } from './refreshing.ts';
import { drawPools } from './sessions.ts';
import { createTrace } from './trace.ts';
import { drawTemper, mendLogins, operate, type Workload } from './workload.ts';
import type { Store } from './world/disk.ts';
import { createRandom, type Random } from './world/random.ts';
import { advance, after, type Cores, createWorld, type World } from './world/world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly nodes: number;
  /** Virtual minutes with faults; the time to settle comes on top. */
  readonly minutes: number;
  readonly write?: ((line: string) => void) | undefined;
  /** In place of the real machines: a canary. */
  readonly cores?: Cores | undefined;
  readonly checks?: Checks | undefined;
}

export interface RunResult {
  readonly seed: number;
  readonly steps: number;
  readonly hash: number;
  readonly notes: ReadonlyMap<NoteName, number>;
  readonly failure?: { readonly invariant: string; readonly message: string; readonly atMs: Milliseconds } | undefined;
}

export const realCores: Cores = { agent: agentTransition, coordinator: coordinatorTransition };

/** One run: a fleet drawn from the seed, trouble, healing, and the question whether all is well. */
export function run(options: RunOptions): RunResult {
  const world = createRunWorld(options);
  const started = world.now;
  let failure: RunResult['failure'];
  try {
    play(world, options);
  } catch (error) {
    const invariant = error instanceof Violation ? error.invariant : 'crash';
    const message =
      error instanceof Error
        ? error instanceof Violation
          ? error.message
          : (error.stack ?? error.message)
        : String(error);
    failure = { invariant, message, atMs: world.now - started };
  }
  return { seed: options.seed, steps: world.steps, hash: world.trace.hash >>> 0, notes: world.notes, failure };
}

function createRunWorld({ seed, write, cores = realCores, checks = createChecks() }: RunOptions): World {
  const random = createRandom(seed).fork(7);
  return createWorld({
    seed,
    cores,
    issuer: createIssuer(),
    central: createCentral(drawSkew(random, true)),
    fleet: fleetId,
    faults: drawRates(random),
    trace: createTrace(write),
    checks,
    pools: drawPools(random),
    jitter: 1,
    endpoints: drawEndpoints(random.fork(9)),
  });
}

function play(world: World, { nodes, minutes }: RunOptions): void {
  const random = createRandom(world.seed).fork(8);
  const logins = drawLogins(random, 2 + random.below(8));
  const skewed = random.chance(0.5);
  const config = random.fork(5).pick([plainConfig, vaultConfig, vaultConfig, homeConfig]);
  const claws = Array.from({ length: nodes }, (_, index) => drawHost(world, random, logins, index, { skewed, config }));
  const endsAt = world.now + minutes * minute;
  const chaos = drawChaos(random, endsAt);
  const workload: Workload = { logins, claws, temper: drawTemper(random), images: [], over: false };
  for (const claw of claws) useStores(world, claw);
  installGradually(world, random, minutes * minute);
  keepRunning(world, random.fork(1));
  makeTrouble(world, chaos, random.fork(2));
  operate(world, workload, random.fork(3));
  mendLogins(world, workload, random.fork(4));
  advance(world, endsAt);
  heal(world);
  advance(world, world.now + settleMs);
  workload.over = true;
  for (const claw of claws) claw.active = false;
  advance(world, world.now + quietMs);
  // What ends in the last moment is healed a little later: wait for it, for as long as a lease may still pause (15 min and a quarter, of
  // which more than four have passed since the world was healed).
  const lastCall = world.now + 15 * minute;
  while (world.now < lastCall && livenessProblem(world)) advance(world, world.now + 5 * second);
  checkLiveness(world);
}

/** After the last refresh has begun: long enough for its result to be everywhere, clocks being up to 30 s apart. */
const quietMs = 90 * second;

/** Most hosts have one agent; one in twenty has up to fifteen. */
function drawAgents(random: Random): string[] {
  const count = random.chance(0.05) ? random.between(4, 15) : random.chance(0.25) ? random.between(1, 3) : 1;
  return ['main', 'work', 'night', ...Array.from({ length: 12 }, (_, index) => `a${index + 4}`)].slice(0, count);
}

/** A host with agents and the logins that they had before the installation: some good, some old copies by hand. */
function drawHost(
  world: World,
  random: Random,
  logins: readonly SharedLogin[],
  index: number,
  { skewed, config }: { readonly skewed: boolean; readonly config: AgentConfig },
): OpenClaw {
  const host = addHost(world, {
    name: `host-${index}`,
    agents: drawAgents(random),
    latencyMs: random.between(1, 80),
    skewMs: drawSkew(random, skewed),
    config,
  });
  for (const store of host.disk.stores.values()) {
    for (const login of logins) if (random.chance(0.6)) provide(world, random, host, store, login);
  }
  const habits = drawHabits(random);
  host.remembersPairs = habits.memory === 'writes-back';
  return { host, habits, random: random.fork(100 + index), active: true };
}

function provide(world: World, random: Random, host: Host, store: Store, login: SharedLogin): void {
  const source = findElsewhere(world, host, login.profile);
  if (source && random.chance(0.9)) copyProfile(world, source, host, store, login.profile);
  else logIn(world, host, store, login.profile, login, random.below(login.provider.accessLifeMs));
}

function findElsewhere(world: World, host: Host, profile: ProfileId): { host: Host; store: Store } | undefined {
  for (const other of world.hosts) {
    if (other === host) continue;
    for (const store of other.disk.stores.values()) if (store.profiles.has(profile)) return { host: other, store };
  }
  return undefined;
}

/** Most hosts are members from the start; the others are joined while the run goes on. */
function installGradually(world: World, random: Random, overMs: Milliseconds): void {
  for (const host of world.hosts) {
    if (host.index === 0 || random.chance(0.7)) {
      enrol(world, host);
      after(world, 0, () => startAgent(world, host));
    } else after(world, random.below(overMs), () => join(world, host));
  }
  after(world, 1, () => startCoordinator(world));
}
