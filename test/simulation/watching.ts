import type { SeenProfile, SeenStore } from '@authmesh/agent/core/event';
import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { second } from '@authmesh/shared/core/time';
import { tell } from './agent-process.ts';
import { type Agent, afterOnHost, type Host } from './host.ts';
import { keepRead } from './vault.ts';
import { type Entry, type EntryShape, type Store, storeDigest } from './world/disk.ts';
import type { Secret } from './world/secret.ts';
import type { World } from './world/world.ts';

const rescanMs = 30 * second;
const tornReadRetryMs = 20;
const tornReadsMax = 5;

/** Reads every store, and again every half minute, for a watcher may miss an event. */
export function watchStores(world: World, host: Host, agent: Agent): void {
  for (const store of host.disk.stores.keys()) observeStore(world, host, agent, store, true);
  const rescan = () => {
    if (host.agent !== agent) return;
    for (const store of host.disk.stores.keys()) observeStore(world, host, agent, store, false);
    afterOnHost(world, host, rescanMs, rescan);
  };
  afterOnHost(world, host, rescanMs, rescan);
}

/** A store was written by somebody: the watcher notices soon, or not at all. */
export function storeChanged(world: World, host: Host, store: Store): void {
  const { agent } = host;
  if (!agent || agent.toRead.has(store.id) || world.random.chance(world.faults.missedEvent)) return;
  agent.toRead.add(store.id);
  afterOnHost(world, host, world.pace(1, 60), () => observeStore(world, host, agent, store.id, false));
}

/** Reads a store and tells the core when its credentials changed, or when the core asked (`asked`). */
export function observeStore(world: World, host: Host, agent: Agent, id: StoreId, asked: boolean, attempt = 1): void {
  agent.toRead.delete(id);
  const store = host.disk.stores.get(id);
  if (host.agent !== agent || !store) return;
  if (store.condition === 'torn' && attempt < tornReadsMax) {
    return afterOnHost(world, host, tornReadRetryMs, () => observeStore(world, host, agent, id, asked, attempt + 1));
  }
  const digest = storeDigest(store);
  if (!asked && agent.reported.get(id) === digest) return;
  agent.reported.set(id, digest);
  const seen = read(agent, store);
  world.checks.seen(world, host, agent, store, seen);
  tell(world, host, agent, { type: 'store-observed', store: id, seen });
}

/** What the store's adapter makes of it; the bytes go to the vault. */
function read(agent: Agent, store: Store): SeenStore {
  if (store.condition === 'absent') return { state: 'absent' };
  if (store.condition === 'torn') return { state: 'quarantined', reason: 'not JSON' };
  if (store.condition === 'foreign') return { state: 'quarantined', reason: 'unknown version' };
  const profiles: SeenProfile[] = [];
  for (const [profile, entry] of store.profiles)
    profiles.push({ ...seeProfile(agent, profile, entry), use: store.uses.get(profile) });
  return { state: 'readable', profiles, hold: store.hold };
}

function isFence(shape: EntryShape): boolean {
  return shape === 'fence-pending' || shape === 'fence-failed';
}

/** Whether the vault has the refresh token, which is how a fence is understood. */
function isKnown(agent: Agent, refresh: Secret): boolean {
  for (const credential of agent.vault.values()) if (credential.refresh === refresh) return true;
  return false;
}

/** One profile as the adapter reads it. */
export function seeProfile(agent: Agent, profile: ProfileId, entry: Entry): SeenProfile {
  if (entry.shape === 'tokens' || entry.shape === 'implausible') keepRead(agent, entry);
  const { account, identity, shape, access, refresh, spends, expires, issuedAt } = entry;
  const hasTokens = shape === 'tokens' || shape === 'implausible';
  const trouble = shape === 'empty' ? 'its tokens are empty' : 'a refresh fence';
  return {
    profile,
    account,
    identity,
    kind: 'oauth',
    expiresAt: expires,
    health: shape === 'tokens' ? 'sound' : shape,
    access: hasTokens ? access?.print : undefined,
    refresh: hasTokens ? refresh?.print : undefined,
    issuedAt: shape === 'tokens' ? issuedAt : undefined,
    spends: spends && isFence(shape) && isKnown(agent, spends) ? spends.print : undefined,
    trouble: hasTokens ? undefined : trouble,
  };
}
