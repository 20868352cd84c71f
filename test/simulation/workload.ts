import type { AgentConfig } from '@authmesh/agent/core/config';
import { type AccountRecord, accountKey } from '@authmesh/coordinator/core/record';
import type { AccountId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { second } from '@authmesh/shared/core/time';
import { linkCopies, restoreLogin } from './command-line.ts';
import type { SharedLogin } from './fleet.ts';
import type { Host } from './host.ts';
import { leaveFleet } from './leaving.ts';
import type { OpenClaw } from './openclaw.ts';
import { adopt, configure, deleteProfile, drainAgent, logIn, restoreFile } from './operator.ts';
import { runCommand } from './restart.ts';
import { imageOf, type Store, type StoreImage } from './world/disk.ts';
import type { Random } from './world/random.ts';
import { after, type World } from './world/world.ts';

/** What the operators of a run are like. */
export interface Temper {
  /** Mean time between two actions. */
  readonly everyMs: Milliseconds;
  readonly logsIn: number;
  readonly restores: number;
  readonly deletes: number;
  readonly restarts: number;
  readonly rollsBack: number;
  readonly links: number;
  readonly adopts: number;
  readonly runs: number;
  readonly switchesCustody: number;
  readonly leaves: number;
}

/** People at work until `over`. */
export interface Workload {
  readonly logins: readonly SharedLogin[];
  readonly claws: readonly OpenClaw[];
  readonly temper: Temper;
  readonly images: { readonly host: Host; readonly store: Store; readonly image: StoreImage }[];
  /** What operators have said last. */
  custody?: AgentConfig['custody'] | undefined;
  over: boolean;
}

const imagesMax = 30;

/** Lets operators act: logins, old files put back, deletions, restarts. */
export function operate(world: World, workload: Workload, random: Random): void {
  const { temper } = workload;
  const next = () => {
    if (workload.over) return;
    act(world, workload, random);
    after(world, 1 + random.below(2 * temper.everyMs), next);
  };
  after(world, random.below(temper.everyMs), next);
}

function act(world: World, workload: Workload, random: Random): void {
  const { temper, logins, images } = workload;
  const host = random.pick(world.hosts);
  const store = random.pick([...host.disk.stores.values()]);
  if (host.asleepUntil > world.now || store.condition !== 'whole') return;
  if (random.chance(temper.logsIn)) {
    const login = random.pick(logins);
    if (store.profiles.has(login.profile)) logIn(world, host, store, login.profile, login);
  }
  if (images.length < imagesMax) images.push({ host, store, image: imageOf(store) });
  if (random.chance(temper.restores)) {
    const [old] = images.splice(random.below(images.length), 1);
    if (old && old.store.condition === 'whole') restoreFile(world, old.host, old.store, old.image);
  }
  if (random.chance(temper.deletes) && store.profiles.size > 1)
    deleteProfile(world, host, store, random.pick([...store.profiles.keys()]));
  if (random.chance(temper.restarts)) drainAgent(world, host);
  if (random.chance(temper.switchesCustody)) switchCustody(world, workload, random);
  if (random.chance(temper.leaves)) leaveFleet(world, host, 1 + random.below(1_000_000));
  if (random.chance(temper.adopts)) adopt(world, host, store.id, 1 + random.below(1_000_000));
  if (random.chance(temper.runs)) {
    const { name, limit } = random.pick(world.pools);
    // A few sessions, or all agents of the host.
    const sessions = random.chance(0.5) ? random.between(1, limit) : host.disk.stores.size;
    runCommand(world, host, name, sessions);
  }
  const { account, identity } = random.pick(logins);
  if (random.chance(temper.rollsBack)) rollBack(world, host, account, random);
  if (identity === 'profile' && random.chance(temper.links)) {
    const nodes = [...(world.central.process?.state.nodes.keys() ?? [])];
    if (nodes.length > 0) linkCopies(world, host, account, [random.pick(nodes), random.pick(nodes)]);
  }
}

/** Operators say another custody, host by host: in the end all hosts have the one that was said last. */
function switchCustody(world: World, workload: Workload, random: Random): void {
  workload.custody = random.pick<AgentConfig['custody']>([
    'vault',
    'home',
    'auto',
    'copy',
    { 'google*': 'copy', '*': 'vault' },
  ]);
  for (const host of world.hosts) {
    if (host.config.refreshes.size === 0) continue;
    after(world, random.below(30 * second), () => {
      configure(world, host, { ...host.config, custody: workload.custody ?? host.config.custody });
    });
  }
}

/** Takes the fleet back to a login of the history whose record is still kept. */
function rollBack(world: World, host: Host, account: AccountId, random: Random): void {
  const record = world.central.records.entries.get(accountKey(account))?.value as AccountRecord | undefined;
  const choices = record?.history.filter(({ sealed }) => sealed !== undefined) ?? [];
  if (choices.length > 0) restoreLogin(world, host, account, random.pick(choices).number);
}

/** Operators notice a login that is dead everywhere, and log in again on the host at hand. */
export function mendLogins(world: World, workload: Workload, random: Random): void {
  const look = () => {
    if (workload.over) return;
    for (const login of workload.logins)
      if (random.chance(0.5) && isDead(world, login)) logInSomewhere(world, login, random);
    after(world, 40 * second, look);
  };
  after(world, 40 * second, look);
}

function isDead(world: World, login: SharedLogin): boolean {
  for (const host of world.hosts) {
    for (const store of host.disk.stores.values()) {
      const entry = store.profiles.get(login.profile);
      if (entry?.access && world.issuer.isAccessGood(entry.access, world.now)) return false;
      if (entry?.refresh && world.issuer.isRefreshGood(entry.refresh)) return false;
    }
  }
  return true;
}

function logInSomewhere(world: World, login: SharedLogin, random: Random): void {
  const places = world.hosts.flatMap(host =>
    [...host.disk.stores.values()]
      .filter(store => store.condition === 'whole' && store.profiles.has(login.profile))
      .map(store => ({ host, store })),
  );
  if (places.length === 0) return;
  const { host, store } = random.pick(places);
  if (host.asleepUntil <= world.now) logIn(world, host, store, login.profile, login);
}

export function drawTemper(random: Random): Temper {
  return {
    everyMs: random.between(5, 60) * second,
    logsIn: random.chance(0.5) ? random.fraction() * 0.3 : 0,
    restores: random.chance(0.5) ? random.fraction() * 0.3 : 0,
    deletes: random.chance(0.3) ? random.fraction() * 0.1 : 0,
    restarts: random.chance(0.5) ? random.fraction() * 0.3 : 0,
    rollsBack: random.chance(0.3) ? random.fraction() * 0.1 : 0,
    links: random.chance(0.5) ? random.fraction() * 0.3 : 0,
    adopts: random.chance(0.5) ? random.fraction() * 0.2 : 0,
    runs: random.chance(0.5) ? random.fraction() * 0.5 : 0,
    switchesCustody: random.chance(0.3) ? random.fraction() * 0.05 : 0,
    leaves: random.chance(0.3) ? random.fraction() * 0.05 : 0,
  };
}
