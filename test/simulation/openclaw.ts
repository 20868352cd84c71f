import type { ProfileId } from '@authmesh/shared/core/identifiers';
import { type Instant, isUsable, type Milliseconds, second } from '@authmesh/shared/core/time';
import { afterOnHost, type Host, hostClock } from './host.ts';
import { useLogin } from './sessions.ts';
import { writeLine } from './trace.ts';
import { storeChanged } from './watching.ts';
import type { Entry, Store } from './world/disk.ts';
import type { Random } from './world/random.ts';
import type { Secret } from './world/secret.ts';
import type { World } from './world/world.ts';

/** How the OpenClaw of one host behaves; releases differ, and so do operators' machines. */
export interface Habits {
  /** Mean time between two turns of an agent. */
  readonly turnMs: Milliseconds;
  /** It refreshes that long before the expiry. */
  readonly marginMs: Milliseconds;
  /** A failed refresh leaves empty tokens (the loser of a race has been seen to). */
  readonly emptiesOnFailure: boolean;
  /** Tokens are replaced by a fence before the refresh (2026.9.4 and later). */
  readonly fences: boolean;
  /** How many of its refreshes fail on the way to the provider, or on the way back, when that has carried them out. */
  readonly refreshesLost: number;
  /**
   * What its gateway goes on with: nothing, each turn reads the store (up to 2026.2.25, from 2026.8.1); what it once read, which it
   * writes back (2026.2.26 to 2026.3.22); what its last turn found, while that lives (2026.4.7 to 2026.7.x).
   */
  readonly memory: 'none' | 'writes-back' | 'turn-late';
  /** Files are truncated and written in place: for a moment a reader finds half of one (before 2026.4.5). */
  readonly writesInPlace: boolean;
}

/** The OpenClaw of one host: its agents use their stores, and refresh what has expired. */
export interface OpenClaw {
  readonly host: Host;
  readonly habits: Habits;
  readonly random: Random;
  /** False: nobody uses this host's agents for a while. */
  active: boolean;
}

/** Lets every store of the host be used, again and again. */
export function useStores(world: World, claw: OpenClaw): void {
  for (const store of claw.host.disk.stores.values()) {
    const turn = () => {
      if (claw.active) takeTurn(world, claw, store);
      afterOnHost(world, claw.host, 1 + claw.random.below(2 * claw.habits.turnMs), turn);
    };
    afterOnHost(world, claw.host, claw.random.below(claw.habits.turnMs), turn);
  }
}

function takeTurn(world: World, claw: OpenClaw, store: Store): void {
  if (store.condition !== 'whole' || store.lockedUntil > world.now) return;
  const { host, habits } = claw;
  store.usage++;
  if (habits.writesInPlace) writeInPlace(world, host, store);
  if (habits.memory === 'writes-back') writeBack(world, host, store);
  const lastRead = habits.memory === 'turn-late' ? host.snapshots.get(store.id) : undefined;
  if (habits.memory === 'turn-late') host.snapshots.set(store.id, new Map(store.profiles));
  const clock = hostClock(world, host);
  for (const [profile, entry] of store.profiles) {
    useLogin(world, host, store, profile, inMemory(lastRead?.get(profile), clock) ?? entry);
    const { shape, expires, refresh } = entry;
    if (shape !== 'tokens' || !refresh || expires === null || expires - habits.marginMs > clock) continue;
    refreshLogin(world, claw, store, profile);
    return;
  }
}

/** What a gateway that reads a turn late still goes on with. */
function inMemory(known: Entry | undefined, clock: Instant): Entry | undefined {
  return known?.shape === 'tokens' && isUsable(known.expires, clock) ? known : undefined;
}

/** The gateway saves what it remembers, whatever stands there by now. */
function writeBack(world: World, host: Host, store: Store): void {
  const known = host.snapshots.get(store.id);
  if (!known) {
    host.snapshots.set(store.id, new Map(store.profiles));
    return;
  }
  let isChanged = false;
  for (const [profile, entry] of known) {
    const now = store.profiles.get(profile);
    if (!now || now === entry) continue;
    store.profiles.set(profile, entry);
    isChanged = true;
  }
  if (!isChanged) return;
  store.version++;
  storeChanged(world, host, store);
}

/** Half a file, for two milliseconds: under the lock, but readers do not ask. */
function writeInPlace(world: World, host: Host, store: Store): void {
  store.condition = 'torn';
  store.lockedUntil = Math.max(store.lockedUntil, world.now + 2);
  storeChanged(world, host, store);
  afterOnHost(world, host, 2, () => {
    if (store.condition === 'torn') store.condition = 'whole';
  });
}

/** An exchange at the token endpoint: how long it takes, and what of it gets lost on the way. */
export interface Exchange {
  readonly takesMs: Milliseconds;
  readonly lost?: 'request' | 'answer' | undefined;
}

/** OpenClaw's own refresh: lock, exchange, write. */
export function refreshLogin(
  world: World,
  claw: OpenClaw,
  store: Store,
  profile: ProfileId,
  { takesMs, lost }: Exchange = drawExchange(claw),
): void {
  const { host, habits } = claw;
  const { refreshing } = host;
  const entry = store.profiles.get(profile);
  if (!entry?.refresh || refreshing.has(entry.account)) return;
  const { refresh, account } = entry;
  refreshing.add(account);
  store.lockedUntil = world.now + takesMs + 5;
  if (world.trace.write) writeLine(world.trace, world.now, host.name, `(openclaw refreshes ${profile})`);
  if (habits.fences) put(world, host, store, profile, fence(entry, 'fence-pending', refresh));
  afterOnHost(world, host, takesMs, () => {
    refreshing.delete(account);
    const renewed = lost === 'request' ? undefined : world.issuer.renew(refresh, world.now);
    const grant = lost === 'answer' ? undefined : renewed;
    const now = store.profiles.get(profile);
    if (store.condition !== 'whole' || !now || host.disk.full) return;
    if (grant) {
      const { access, refresh: next, issuedAt, expiresInMs } = grant;
      put(world, host, store, profile, {
        ...entry,
        access,
        refresh: next,
        issuedAt,
        expires: hostClock(world, host) + expiresInMs,
      });
    } else if (habits.fences) {
      put(world, host, store, profile, fence(now, 'fence-failed', refresh));
    } else if (habits.emptiesOnFailure) {
      put(world, host, store, profile, { ...now, shape: 'empty', access: undefined, refresh: undefined, expires: 0 });
    }
  });
}

function drawExchange({ habits, random }: OpenClaw): Exchange {
  const takesMs = random.between(200, 1_500);
  if (!random.chance(habits.refreshesLost)) return { takesMs };
  return { takesMs, lost: random.chance(0.5) ? 'request' : 'answer' };
}

function fence(entry: Entry, shape: 'fence-pending' | 'fence-failed', spends: Secret): Entry {
  return { ...entry, shape, spends, access: undefined, refresh: undefined };
}

/** OpenClaw, or an operator, writes one profile. */
export function put(world: World, host: Host, store: Store, profile: ProfileId, entry: Entry): void {
  store.profiles.set(profile, entry);
  store.version++;
  // Its own words it knows, and a command line tells its gateway.
  host.snapshots.delete(store.id);
  storeChanged(world, host, store);
}

/** The habits of a host, drawn once. */
export function drawHabits(random: Random): Habits {
  const fences = random.chance(0.2);
  return {
    turnMs: random.between(20, 90) * second,
    marginMs: random.chance(0.3) ? 30 * second : 0,
    emptiesOnFailure: random.chance(0.3),
    fences,
    // Without a fence the pair would stand there as if nothing had happened, and be spent again.
    refreshesLost: fences && random.chance(0.5) ? 0.2 : 0,
    writesInPlace: random.chance(0.5),
    memory: random.chance(0.15) ? 'writes-back' : random.chance(0.3) ? 'turn-late' : 'none',
  };
}
