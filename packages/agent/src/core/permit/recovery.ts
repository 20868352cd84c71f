import { type CopyKey, copyKey, type StoreId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { clockOffsetMsMin, type Instant, isUsable, type Milliseconds } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import { claimsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { AgentEffect, CredentialForm } from '../effect.ts';
import type { ProfileUse, SeenProfile } from '../event.ts';
import type { AgentState, Copy } from '../state.ts';
import { type Claim, dropClaim, fits, isInLine, putClaim, type StoreLayout, settleClaim } from './claim.ts';
import { letGo } from './settling.ts';

/*
 * A store whose login has ended, or is no login at all, gets a live one: that wakes whoever waits for it. So the delivery
 * itself waits for a permit (invariant I11). A store whose login still works gets a newer one at once: nothing returns.
 */

/** Whether sessions can work with what stands in a store, as far as the store says. */
export function isWorking({ health, expiresAt }: SeenProfile, at: Instant): boolean {
  return health === 'sound' && isUsable(expiresAt, at);
}

/**
 * Whether a delivery would wake sessions: what stands there does not work, and what takes its place does, or can be
 * renewed into what does.
 */
export function wakes(
  state: AgentState,
  seen: SeenProfile,
  facts: AnnouncementFacts,
  form: CredentialForm,
  at: Instant,
): boolean {
  if (isWorking(seen, at)) return false;
  // What has just ended by the fleet's clock may work by this host's: small differences are not corrected.
  return form === 'full' || isUsable(facts.expiresAt, at - state.clockOffsetMs - clockOffsetMsMin);
}

/**
 * Until when, by the elapsed clock, a copy may be replaced: while the permit of a recovery covers its settle time; while
 * the login that stands there still works, where nothing would be woken. Undefined: not now.
 */
export function mayReplaceUntil(
  state: AgentState,
  copy: Copy,
  facts: AnnouncementFacts,
  form: CredentialForm,
  at: Instant,
  effects: AgentEffect[],
): Milliseconds | undefined {
  const { seen } = copy;
  if (seen && isWorking(seen, at)) {
    return seen.expiresAt === null ? Number.POSITIVE_INFINITY : state.elapsed + (seen.expiresAt - at);
  }
  // A dead login in place of a dead one helps nobody.
  if (!seen || !wakes(state, seen, facts, form, at)) return undefined;
  const permit = permitFor(state, copy, at, effects)?.permit;
  return permit && permit.until - permit.settleMs;
}

/** The claim under which a recovery may be written now; where there is none yet, it is asked for. */
function permitFor(state: AgentState, copy: Copy, at: Instant, effects: AgentEffect[]): Claim | undefined {
  const { claims } = state;
  const { store, profile, account } = copy;
  const key = copyKey(store, profile);
  const claim = claimFor(state, key);
  if (claim) return claim.phase !== 'waiting' && fits(claim, state.elapsed) ? claim : joined(state, key, claim);
  if (claims.byId.size >= claimsPerMessageMax || waitsForOthers(state, copy, at)) return undefined;
  const asked: Claim = {
    id: claims.nextId++,
    claimant: { type: 'store', store, profile, account },
    sessions: sessionsOf(state, copy),
    copy: key,
    phase: 'waiting',
    since: state.elapsed,
  };
  claims.byCopy.set(key, asked.id);
  putClaim(claims, asked);
  effects.push(note('recovery-waits', { store, profile, account }));
  return undefined;
}

/** Whether the claim of a copy was only just asked for, or is about to be used. */
export function isAsking(state: AgentState, copy: Copy): boolean {
  const claim = claimFor(state, copyKey(copy.store, copy.profile));
  return claim !== undefined && claim.phase !== 'settled' && !isInLine(claim, state.elapsed);
}

/** Another login of the same store whose sessions are coming back in the same pool: they are the same sessions. */
function joined(state: AgentState, key: CopyKey, waiting: Claim): Claim | undefined {
  const { claims } = state;
  if (waiting.claimant.type !== 'store' || !waiting.queued) return undefined;
  for (const other of claims.byId.values()) {
    if (other.claimant.type !== 'store' || other.claimant.store !== waiting.claimant.store) continue;
    if (other.permit?.pool !== waiting.queued.pool || other.sessions < waiting.sessions) continue;
    if (other.phase !== 'settling' || !fits(other, state.elapsed)) continue;
    dropClaim(claims, waiting);
    claims.byCopy.set(key, other.id);
    return other;
  }
  return undefined;
}

/** Agents whose own login fails fall back to the main agent's store: it is healed once the others have theirs, used or not. */
export function waitsForOthers(state: AgentState, { store, account }: Copy, at: Instant): boolean {
  const layout = state.config.layout?.get(store);
  if (!layout || !isFallback(layout, store)) return false;
  for (const other of state.copies.values()) {
    if (other.account !== account || other.store === store || !other.seen) continue;
    const theirs = state.config.layout?.get(other.store);
    if (theirs?.fallback !== layout.fallback || isFallback(theirs, other.store)) continue;
    const claim = claimOf(state, other);
    if (claim?.phase === 'waiting' || claim?.phase === 'granted') return true;
    // One that cannot be written holds nobody up.
    if (other.unsettledAt !== undefined && other.attempts === 0 && isDead(state, other, at)) return true;
  }
  return false;
}

function isDead(state: AgentState, other: Copy, at: Instant): boolean {
  const facts = state.accounts.get(other.account);
  const isDue = other.judged?.verdict === 'stale' || other.judged?.verdict === 'unfit';
  return other.seen !== undefined && facts !== undefined && isDue && wakes(state, other.seen, facts, 'bearer', at);
}

function claimOf(state: AgentState, copy: Copy): Claim | undefined {
  for (const claim of state.claims.byId.values()) {
    const { claimant } = claim;
    if (claimant.type === 'store' && claimant.store === copy.store && claimant.profile === copy.profile) return claim;
  }
  return undefined;
}

/** How many sessions a delivery to this copy can wake: its own agent's, and those of agents that fall back to it. */
export function sessionsOf(state: AgentState, { store, account }: Pick<Copy, 'store' | 'account'>): number {
  const own = state.config.layout?.get(store);
  if (!own) return 1;
  const holders = new Set<StoreId>();
  for (const copy of state.copies.values()) if (copy.account === account && copy.seen) holders.add(copy.store);
  let sessions = own.together ?? own.sessions;
  for (const [other, layout] of state.config.layout ?? []) {
    if (layout.fallback !== own.fallback || isFallback(layout, other) || holders.has(other)) continue;
    if (isFallback(own, store)) sessions += layout.sessions;
  }
  return Math.max(1, Math.min(sessions, own.concurrentMax ?? sessions));
}

/** Whether a store is the one that others fall back to, under whatever name. */
function isFallback(layout: StoreLayout, store: StoreId): boolean {
  return layout.fallback === store || layout.isFallback === true;
}

/** A recovery stood in its store: its sessions are coming back from now on, whatever stands there since. */
export function recoveryWritten(
  state: AgentState,
  key: CopyKey,
  use: ProfileUse | undefined,
  effects: AgentEffect[],
): void {
  const claim = claimFor(state, key);
  if (!claim || claim.phase === 'settled') return;
  // Of several logins of the same sessions the last one has to show that they are back.
  letGo(state, { ...claim, copy: key }, use, effects);
}

/** Nothing was written under the permit: others may have it. */
export function recoveryFailed(state: AgentState, key: CopyKey): void {
  const claim = claimFor(state, key);
  if (!claim || claim.phase === 'settled') return;
  if (claim.phase === 'granted') {
    settleClaim(state.claims, claim, 'unused');
  }
}

function claimFor(state: AgentState, key: CopyKey): Claim | undefined {
  const id = state.claims.byCopy.get(key);
  return id === undefined ? undefined : state.claims.byId.get(id);
}
