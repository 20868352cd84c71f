import {
  accountProvider,
  type CopyKey,
  copyKey,
  type ProfileId,
  type StoreId,
} from '@authmesh/shared/core/identifiers';
import type { Held } from '@authmesh/shared/core/lineage';
import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import { chainLinksMax } from '@authmesh/shared/protocol/limits';
import type { AgentEffect } from './effect.ts';
import type { SeenProfile, SeenStore } from './event.ts';
import { fenceOf, withDoubt, withFailedFence, withSpending } from './fence.ts';
import { holdObserved } from './hold/found.ts';
import { withOverwriting } from './overwriting.ts';
import { noteLimit } from './permit/signal.ts';
import { report, reportGone } from './report.ts';
import { type AgentState, type Copy, copiesMax, createCopy } from './state.ts';

/** A store was read: takes over what changed in it and reports that. */
export function storeObserved(
  state: AgentState,
  store: StoreId,
  seen: SeenStore,
  at: Instant,
  effects: AgentEffect[],
): void {
  const before = state.stores.get(store);
  if (seen.state === 'quarantined') {
    state.stores.set(store, { state: 'quarantined', reason: seen.reason });
    if (before?.reason === seen.reason) return;
    effects.push(note('store-quarantined', { store, why: seen.reason }));
    for (const [key, copy] of state.copies) if (copy.store === store) report(state, key, at, effects);
    return;
  }
  state.stores.set(store, { state: seen.state, hold: seen.state === 'readable' ? seen.hold : undefined });
  noteStore(store, before?.state, seen.state, effects);
  const present = new Set<ProfileId>();
  if (seen.state === 'readable') {
    for (const profile of seen.profiles) {
      present.add(profile.profile);
      profileObserved(state, store, profile, before?.state === 'quarantined', at, effects);
    }
  }
  if (seen.state === 'readable') holdObserved(state, store, at);
  for (const [key, copy] of state.copies) {
    if (copy.store === store && copy.seen && !present.has(copy.profile)) profileLeft(state, key, copy, effects);
  }
}

function noteStore(store: StoreId, before: string | undefined, now: string, effects: AgentEffect[]): void {
  if (now === 'readable' && before === 'quarantined') effects.push(note('store-recovered', { store }));
  else if (now === 'readable' && before !== 'readable') effects.push(note('store-appeared', { store }));
  else if (now === 'absent' && before !== undefined && before !== 'absent') {
    effects.push(note('store-vanished', { store }));
  }
}

/** One profile as it stands on disk now. */
export function profileObserved(
  state: AgentState,
  store: StoreId,
  found: SeenProfile,
  force: boolean,
  at: Instant,
  effects: AgentEffect[],
): void {
  const key = copyKey(store, found.profile);
  const before = state.copies.get(key);
  if (!before && state.copies.size >= copiesMax) {
    effects.push(note('queue-overflowed', { store, profile: found.profile }));
    return;
  }
  const fence = fenceOf(found, before, at);
  const named = withRememberedAccount(found, before);
  const seen = fence?.isStuck ? withFailedFence(named) : withSpending(state, named);
  const next = withDoubt(state, nextCopy(store, seen, fence, before, at));
  const copy = withOverwriting(before, next, seen, at, effects);
  const isStanding = before?.seen?.access === seen.access && before?.standsSince !== undefined;
  state.copies.set(key, { ...copy, standsSince: isStanding ? before.standsSince : at });
  noteLimit(state, before, copy, at);
  if (copy.last !== before?.last || copy.account !== before?.account || copy.doubted !== before?.doubted)
    remember(key, copy, effects);
  if (!force && before?.seen && isSame(before.seen, seen)) return;
  effects.push(note('credential-observed', { store, account: copy.account, profile: copy.profile }));
  report(state, key, at, effects);
}

/** Tokens that are empty or fenced cannot say whose they are: the profile still is what it was, and as surely. */
function withRememberedAccount(seen: SeenProfile, before: Copy | undefined): SeenProfile {
  if (seen.health === 'sound' || !before || before.account === seen.account) return seen;
  const isOther =
    !before.account.startsWith(`${seen.kind}:`) || accountProvider(before.account) !== accountProvider(seen.account);
  return isOther ? seen : { ...seen, account: before.account, identity: 'account' };
}

function nextCopy(
  store: StoreId,
  seen: SeenProfile,
  fence: Copy['fence'],
  before: Copy | undefined,
  at: Instant,
): Copy {
  const { profile, account, access, refresh, expiresAt, health } = seen;
  // Another account under the same profile id shares nothing with what stood there (invariant I8).
  const past = before?.account === account ? before : createCopy(store, profile, account);
  const { last, chain } = past;
  if (health !== 'sound' || access === undefined || (last && isSameHeld(last, seen))) {
    return { ...past, seen, seenAt: at, fence };
  }
  return {
    ...past,
    seen,
    seenAt: at,
    fence,
    last: { access, refresh, expiresAt },
    chain: last?.access === access ? chain : extend(last, chain),
    trouble: undefined,
    attempts: 0,
    retryAt: undefined,
  };
}

function isSameHeld(last: Held, { access, refresh, expiresAt }: SeenProfile): boolean {
  return last.access === access && last.refresh === refresh && last.expiresAt === expiresAt;
}

function extend(replaced: Held | undefined, chain: readonly Held[]): readonly Held[] {
  if (!replaced) return chain;
  return [replaced, ...chain.filter(link => link.access !== replaced.access)].slice(0, chainLinksMax);
}

function isSame(a: SeenProfile, b: SeenProfile): boolean {
  return (
    a.account === b.account &&
    a.access === b.access &&
    a.refresh === b.refresh &&
    a.health === b.health &&
    a.expiresAt === b.expiresAt &&
    a.trouble === b.trouble
  );
}

/** The owner deleted it. Its chain is kept: should it come back, that is how an old login is told from a new one. */
function profileLeft(state: AgentState, key: CopyKey, copy: Copy, effects: AgentEffect[]): void {
  state.copies.set(key, {
    ...copy,
    seen: undefined,
    judged: undefined,
    reportedAt: undefined,
    writing: undefined,
    fence: undefined,
    unsettledAt: undefined,
    trouble: undefined,
  });
  effects.push(note('profile-left', { store: copy.store, profile: copy.profile, account: copy.account }));
  reportGone(state, copy, effects);
}

function remember(key: CopyKey, copy: Copy, effects: AgentEffect[]): void {
  const { store, profile, account, last, chain, doubted } = copy;
  const kept = { store, profile, account, last, chain, doubted };
  effects.push({ type: 'remember', memory: { kind: 'copy', key, copy: kept } });
}
