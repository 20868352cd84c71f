import { type CopyKey, copyKey, type Fingerprint } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import {
  chainLinksMax,
  knownPerMessageMax,
  leasesMax,
  observationsPerMessageMax,
  sentenceCharsMax,
  withheldMax,
} from '@authmesh/shared/protocol/limits';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { Inventory } from '@authmesh/shared/protocol/up';
import { isCovered, isVaulted } from './coverage.ts';
import type { AgentEffect } from './effect.ts';
import { isDoubted } from './fence.ts';
import type { AgentState, Copy } from './state.ts';

/** What the coordinator is told of a copy; undefined while nothing was seen or it takes no part. */
export function observationOf(state: AgentState, copy: Copy): Observation | undefined {
  const { store, profile, account, seen, chain, trouble } = copy;
  const entry = state.stores.get(store);
  const isSetAside = entry?.state === 'quarantined';
  if (!seen || !isCovered(state, account, profile)) return undefined;
  const known = state.accounts.get(account);
  const announced =
    known && known.access === seen.access
      ? {
          position: known.position,
          home: known.home,
          origin: known.origin,
          restored: known.restored ? true : undefined,
        }
      : undefined;
  return {
    store,
    profile,
    account,
    identity: seen.identity,
    kind: seen.kind,
    health: isSetAside ? 'quarantined' : seen.health,
    access: seen.access,
    refresh: seen.refresh,
    expiresAt: seen.expiresAt,
    issuedAt: seen.issuedAt,
    chain: chain.slice(0, chainLinksMax),
    announced,
    spends: known && isDoubted(copy, known) ? known.refresh : seen.spends,
    // A reason may name many long paths; a sentence that is too long would cost the link.
    trouble: ((isSetAside ? entry.reason : undefined) ?? trouble ?? seen.trouble)?.slice(0, sentenceCharsMax),
  };
}

/**
 * Metadata first: how far this host knows the fleet, then all that it has. `isFirst`: on this link; only there it can say
 * which leases it has, for later another one may be on its way to it.
 */
export function sendInventory(state: AgentState, at: Instant, effects: AgentEffect[], isFirst = false): void {
  const observations: Observation[] = [];
  for (const [key, copy] of state.copies) {
    const observation = observationOf(state, copy);
    state.copies.set(key, { ...copy, judged: undefined, reportedAt: observation ? at : undefined });
    if (observation) observations.push(observation);
  }
  const known = [...state.accounts.values()].map(({ account, position, generation }) => ({
    account,
    position,
    generation,
  }));
  const knownParts = inParts(known, knownPerMessageMax);
  const parts = inParts(observations, observationsPerMessageMax);
  for (const ahead of knownParts.slice(0, -1)) {
    effects.push({ type: 'send', message: { type: 'inventory', observations: [], known: ahead, last: false } });
  }
  for (const [index, part] of parts.entries()) {
    const rest = index === 0 ? (knownParts.at(-1) ?? []) : [];
    const last = index === parts.length - 1;
    const own = last ? abilities(state, isFirst) : {};
    effects.push({ type: 'send', message: { type: 'inventory', observations: part, known: rest, last, ...own } });
  }
  vouch(state, effects);
}

function abilities(state: AgentState, isFirst: boolean): Pick<Inventory, 'refreshes' | 'leases' | 'withheld'> {
  const leases = [...state.leases.values()].map(({ account, epoch, access }) => ({ account, epoch, access }));
  const withheld = new Set<Fingerprint>(state.leaving?.withheld);
  for (const { seen, account, profile } of state.copies.values()) {
    if (seen?.refresh !== undefined && !isCovered(state, account, profile)) withheld.add(seen.refresh);
  }
  return {
    refreshes: state.leaving || state.config.takesLeases === false ? [] : [...state.config.refreshes.keys()],
    // A node whose memory has a hole cannot say of a lease that it never had it; nor one that names only some.
    leases: isFirst && !state.hole && leases.length <= leasesMax ? leases : undefined,
    withheld: withheld.size > 0 ? [...withheld].slice(0, withheldMax) : undefined,
  };
}

/** Logins that no store of this host has, and its vault holds: that they are on its disk is for it to say. */
function vouch(state: AgentState, effects: AgentEffect[]): void {
  const vaulted = [...state.accounts.values()].filter(facts => isVaulted(state, facts));
  if (vaulted.length === 0) return;
  for (const part of inParts(vaulted, knownPerMessageMax)) {
    const known = part.map(({ account, position, generation }) => ({ account, position, generation }));
    effects.push({ type: 'send', message: { type: 'acknowledge', observations: [], gone: [], known } });
  }
}

/** The items in parts of at most `size`; nothing is one empty part. */
function inParts<Item>(items: readonly Item[], size: number): Item[][] {
  const parts: Item[][] = [];
  for (let start = 0; start === 0 || start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}

/** Tells the coordinator what stands in a copy now: with its record when it looks new, else the metadata alone. */
export function report(state: AgentState, key: CopyKey, at: Instant, effects: AgentEffect[]): void {
  const copy = state.copies.get(key);
  if (!copy || state.link.phase !== 'online') return;
  const observation = observationOf(state, copy);
  if (!observation) return;
  state.copies.set(key, { ...copy, judged: undefined, reportedAt: at });
  if (isNews(state, copy, observation)) return publish(state, observation, effects);
  effects.push({ type: 'send', message: { type: 'acknowledge', observations: [observation], gone: [] } });
}

/** A sound credential that neither the fleet has announced nor this store has had before. */
function isNews(state: AgentState, copy: Copy, observation: Observation): boolean {
  if (observation.health !== 'sound' || observation.access === undefined) return false;
  if (state.accounts.get(copy.account)?.access === observation.access) return false;
  return !copy.chain.some(link => link.access === observation.access);
}

/** Sends the record that the coordinator asked for, or will, in the generation that it asks for at least. */
export function publish(state: AgentState, observation: Observation, effects: AgentEffect[], least = 1): void {
  const known = state.accounts.get(observation.account);
  const own = known && known.access === observation.access ? known.generation : (known?.generation ?? 0) + 1;
  const { account, profile, store } = observation;
  effects.push({ type: 'send', message: { type: 'publish', observation, generation: Math.max(own, least) } });
  effects.push(note('credential-published', { account, profile, store }));
}

/** The copies that are on disk and take part. */
export function coveredCopies(state: AgentState): Copy[] {
  return [...state.copies.values()].filter(copy => copy.seen && isCovered(state, copy.account, copy.profile));
}

/** A profile that its owner deleted, or keeps out from now on, leaves the fleet's care. */
export function reportGone(state: AgentState, copy: Copy, effects: AgentEffect[]): void {
  if (state.link.phase !== 'online') return;
  const { store, profile } = copy;
  effects.push({ type: 'send', message: { type: 'acknowledge', observations: [], gone: [{ store, profile }] } });
}

/** The key of the copy that a message names. */
export function keyOf(named: { readonly store: Copy['store']; readonly profile: Copy['profile'] }): CopyKey {
  return copyKey(named.store, named.profile);
}
