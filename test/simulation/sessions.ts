import type { SeenHold } from '@authmesh/agent/core/event';
import { type PoolTerms, termsOfLogin } from '@authmesh/coordinator/core/pool/terms';
import type { AccountId, ProfileId } from '@authmesh/shared/core/identifiers';
import { isUsable, second } from '@authmesh/shared/core/time';
import type { StoreWrite } from './checkers/check.ts';
import { type Host, hostClock } from './host.ts';
import { storeChanged } from './watching.ts';
import type { Entry, Store } from './world/disk.ts';
import type { Random } from './world/random.ts';
import type { World } from './world/world.ts';

/** The pools of a fleet: one for all, or one for some and the rest in another. */
export function drawPools(random: Random): PoolTerms[] {
  const pool = (name: string, match: readonly string[]): PoolTerms => {
    const limit = random.between(1, 12);
    // A fleet is healed within the bound that liveness has.
    return { name, match, limit, settleMs: random.between(second / 2, 2 * limit * second) };
  };
  return random.chance(0.5) ? [pool('all', ['*'])] : [pool('openai', ['openai*', 'anthropic*']), pool('others', ['*'])];
}

/** OpenClaw takes a turn with a login: what it notes of it the first time is what authmesh learns. */
export function useLogin(world: World, host: Host, store: Store, profile: ProfileId, entry: Entry): void {
  const clock = hostClock(world, host);
  if (entry.shape !== 'tokens' || !entry.access || !isUsable(entry.expires, clock)) return;
  const before = store.uses.get(profile);
  // One that is refused is not coming back any more either.
  world.checks.used(world, store, profile);
  if (world.issuer.isAccessGood(entry.access, world.now)) {
    if (before?.of === entry.access.print && before.usedAt !== undefined) return;
    store.uses.set(profile, { usedAt: clock, of: entry.access.print });
  } else {
    if (before?.of === entry.access.print && before.failedAt !== undefined) return;
    store.uses.set(profile, { failedAt: clock, failure: 'auth', of: entry.access.print });
  }
  store.version++;
  storeChanged(world, host, store);
}

/** An agent that was held back may use its login again: its session comes back. */
export function noteLifted(world: World, host: Host, store: Store, { until, profiles }: SeenHold): void {
  // One whose marks ended before came back then, without a permit: that is what an end is for.
  if (until <= hostClock(world, host)) return;
  for (const profile of profiles) returns(world, host, store, profile);
}

/** The command that starts a host's agents: those that are not held back come back now. */
export function noteStarted(world: World, host: Host, pool: string): void {
  for (const store of host.disk.stores.values()) {
    if (store.hold && store.hold.until > hostClock(world, host)) continue;
    const profile = [...store.profiles].find(([id, { account }]) => isIn(world, pool, id, account))?.[0];
    if (profile) returns(world, host, store, profile);
  }
}

function isIn(world: World, pool: string, profile: ProfileId, account: AccountId): boolean {
  return termsOfLogin(world.pools, { account, profile }).name === pool;
}

function returns(world: World, host: Host, store: Store, profile: ProfileId): void {
  const entry = store.profiles.get(profile);
  if (entry?.shape !== 'tokens' || !isUsable(entry.expires, hostClock(world, host))) return;
  const terms = termsOfLogin(world.pools, { account: entry.account, profile });
  const who = `${host.name} ${store.id}`;
  world.checks.letGo(world, { terms, sessions: 1, settleMs: terms.settleMs, who, store, profile });
}

/** A delivery that gives a store a login that works in place of one that does not lets its sessions go. */
export function noteWoken(world: World, write: StoreWrite): void {
  const { host, store, profile, account, before, after } = write;
  const clock = hostClock(world, host);
  const wasDead = before === undefined || before.shape !== 'tokens' || !isUsable(before.expires, clock);
  if (before === undefined || !wasDead || !isUsable(after.expires, clock)) return;
  const terms = termsOfLogin(world.pools, { account, profile });
  world.checks.letGo(world, {
    terms,
    sessions: 1,
    settleMs: terms.settleMs,
    who: `${host.name} ${store.id}`,
    store,
    profile,
  });
}
