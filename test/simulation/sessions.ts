import { type PoolTerms, termsOfLogin } from '@authmesh/coordinator/core/pool/terms';
import type { ProfileId } from '@authmesh/shared/core/identifiers';
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
    return { name, match, limit, settleMs: random.between(second / 2, (limit * second) / 2) };
  };
  return random.chance(0.5) ? [pool('all', ['*'])] : [pool('openai', ['openai*', 'anthropic*']), pool('others', ['*'])];
}

/** OpenClaw takes a turn with a login: what it notes of it the first time is what authmesh learns. */
export function useLogin(world: World, host: Host, store: Store, profile: ProfileId, entry: Entry): void {
  const clock = hostClock(world, host);
  if (entry.shape !== 'tokens' || !entry.access || !isUsable(entry.expires, clock)) return;
  const before = store.uses.get(profile);
  if (world.issuer.isAccessGood(entry.access, world.now)) {
    world.checks.used(world, store, profile);
    if (before?.of === entry.access.print && before.usedAt !== undefined) return;
    store.uses.set(profile, { usedAt: clock, of: entry.access.print });
  } else {
    if (before?.of === entry.access.print && before.failedAt !== undefined) return;
    store.uses.set(profile, { failedAt: clock, failure: 'auth', of: entry.access.print });
  }
  store.version++;
  storeChanged(world, host, store);
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
