import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { WriteOutcome } from '@authmesh/agent/core/event';
import { type Milliseconds, shiftExpiry } from '@authmesh/shared/core/time';
import { crashAgent, elapsedOf, tell } from './agent-process.ts';
import { crashesNow } from './faults.ts';
import { type Agent, afterOnHost, type Host } from './host.ts';
import { observeStore, seeProfile } from './watching.ts';
import { type Entry, entryDigest, type Store } from './world/disk.ts';
import type { World } from './world/world.ts';

type WriteCredential = Extract<AgentEffect, { type: 'write-credential' }>;
type CreateProfile = Extract<AgentEffect, { type: 'create-profile' }>;

/** Lock, compare, write, sync, rename, read back: it takes a few milliseconds in which everything may change. */
export function writeCredential(world: World, host: Host, agent: Agent, effect: WriteCredential): void {
  deliver(world, host, agent, effect, store => {
    const before = store.profiles.get(effect.profile);
    if (
      !before ||
      before.access?.print !== effect.expected.access ||
      before.refresh?.print !== effect.expected.refresh
    ) {
      return { result: 'changed' };
    }
    return replaceEntry(world, host, agent, store, effect, before);
  });
}

export function createProfile(world: World, host: Host, agent: Agent, effect: CreateProfile): void {
  deliver(world, host, agent, effect, store =>
    store.profiles.has(effect.profile)
      ? { result: 'changed' }
      : replaceEntry(world, host, agent, store, effect, undefined),
  );
}

function deliver(
  world: World,
  host: Host,
  agent: Agent,
  effect: WriteCredential | CreateProfile,
  write: (store: Store) => Attempt,
): void {
  afterOnHost(world, host, world.pace(1, 8), () => {
    if (host.agent !== agent) return;
    // Before the rename: at most a temporary file is left behind.
    if (crashesNow(world.faults)) return crashAgent(world, host, true);
    const attempted = attempt(world, host, agent, effect, write);
    // After the rename: the new file stands, and nobody was told.
    if (crashesNow(world.faults)) return crashAgent(world, host, true);
    afterOnHost(world, host, readBackMs, () => {
      const outcome = attempted.result === 'written' ? readBack(host, agent, effect) : attempted;
      tell(world, host, agent, { type: 'write-settled', store: effect.store, profile: effect.profile, outcome });
      if (outcome.result === 'changed') observeStore(world, host, agent, effect.store, true);
    });
  });
}

/** The lock is held until the file was read back; an operator's hand does not ask for locks. */
export const readBackMs = 2;

function readBack(
  host: Host,
  agent: Agent,
  { store: id, profile, access }: WriteCredential | CreateProfile,
): WriteOutcome {
  const store = host.disk.stores.get(id);
  const entry = store?.condition === 'whole' ? store.profiles.get(profile) : undefined;
  if (!entry || entry.access?.print !== access) return { result: 'changed', stood: true };
  return { result: 'written', seen: { ...seeProfile(agent, profile, entry), use: store?.uses.get(profile) } };
}

/** How a delivery stands when its file was renamed, before it was read back. */
type Attempt = Exclude<WriteOutcome, { result: 'written' }> | { readonly result: 'written' };

function attempt(
  world: World,
  host: Host,
  agent: Agent,
  effect: WriteCredential | CreateProfile,
  write: (store: Store) => Attempt,
): Attempt {
  const before = effect.type === 'write-credential' ? effect.before : undefined;
  const store = host.disk.stores.get(effect.store);
  return obstacleTo(world, host, agent, store, before) ?? (store ? write(store) : { result: 'changed' });
}

/** What keeps a store from being written now. */
export function obstacleTo(
  world: World,
  host: Host,
  agent: Agent,
  store: Store | undefined,
  before: Milliseconds | undefined,
): Exclude<WriteOutcome, { result: 'written' }> | undefined {
  if (!store || store.condition === 'absent') return { result: 'failed', reason: 'the store is gone' };
  if (store.condition !== 'whole') return { result: 'failed', reason: 'the store cannot be understood' };
  if (store.readOnly) return { result: 'failed', reason: 'the directory is read-only' };
  if (host.disk.full) return { result: 'failed', reason: 'the disk is full' };
  if (store.lockedUntil > world.now) return { result: 'locked', reason: 'OpenClaw holds the lock' };
  const isLate = before !== undefined && elapsedOf(world, agent) >= before;
  return isLate ? { result: 'lapsed', reason: 'too late' } : undefined;
}

function replaceEntry(
  world: World,
  host: Host,
  agent: Agent,
  store: Store,
  effect: WriteCredential | CreateProfile,
  before: Entry | undefined,
): Attempt {
  const held = agent.vault.get(effect.access);
  const refresh = effect.form === 'full' ? (effect.refresh ? held?.refresh : before?.refresh) : undefined;
  if (!held || (effect.form === 'full' && refresh?.print !== effect.refresh && effect.refresh)) {
    return { result: 'failed', reason: 'the vault does not hold this credential' };
  }
  const takesOnly = effect.type === 'write-credential' && effect.takesRefreshOnly === true;
  const { access, issuedAt } = held;
  const written: Entry = {
    account: before?.account ?? effect.account,
    // Whose it is was said by the profile's own name, or by the credential.
    identity: before?.identity ?? (effect.account.endsWith(`/${effect.profile}`) ? 'profile' : 'account'),
    shape: 'tokens',
    access,
    refresh,
    issuedAt,
    expires: takesOnly && before ? before.expires : shiftExpiry(effect.expiresAt, agent.state.clockOffsetMs),
    other: before?.other ?? 0,
  };
  // `openclaw secrets reload` follows what is delivered.
  if (!takesOnly) afterOnHost(world, host, world.pace(1_500, 4_000), () => host.snapshots.delete(store.id));
  const otherBefore = store.other;
  store.profiles.set(effect.profile, written);
  store.version++;
  store.lockedUntil = world.now + readBackMs;
  const reported = agent.reported.get(store.id);
  if (reported !== undefined && reported >= 0) {
    // Own writes make no event; what else changed in the file meanwhile still does.
    const own = entryDigest(effect.profile, written) - (before ? entryDigest(effect.profile, before) : 0);
    agent.reported.set(store.id, (reported + own) >>> 0);
  }
  world.checks.wrote(world, {
    host,
    agent,
    store,
    profile: effect.profile,
    account: effect.account,
    credential: held,
    before,
    after: written,
    otherBefore,
  });
  return { result: 'written' };
}
