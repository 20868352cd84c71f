import type { CopyKey, StoreId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { clockOffsetMsMin, type Instant, isUsable, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import { claimsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { AgentEffect } from '../effect.ts';
import type { ProfileUse, SeenProfile } from '../event.ts';
import type { AgentState, Copy } from '../state.ts';
import { type Claim, fits, putClaim } from './claim.ts';

/*
 * A store whose login has ended, or is no login at all, gets a live one: that wakes whoever waits for it. So the delivery
 * itself waits for a permit (invariant I11). A store whose login still works gets a newer one at once: nothing returns.
 */

/** How long after its time-out a health command may take to say so. */
const healthAnswerMsMax: Milliseconds = 5 * second;

/** Whether the fleet's login would wake sessions that the login in this copy cannot serve. */
export function wakes(state: AgentState, { seen }: Copy, facts: AnnouncementFacts, at: Instant): boolean {
  // What has just ended by the fleet's clock may work by this host's: small differences are not corrected.
  if (!seen || !isUsable(facts.expiresAt, at - state.clockOffsetMs - clockOffsetMsMin)) return false;
  return seen.health !== 'sound' || !isUsable(seen.expiresAt, at);
}

/**
 * Until when, by the elapsed clock, a copy may be replaced: while the permit of a recovery covers its settle time; while
 * the login that stands there still works, where nothing would be woken. Undefined: not now.
 */
export function mayReplaceUntil(
  state: AgentState,
  key: CopyKey,
  copy: Copy,
  facts: AnnouncementFacts,
  at: Instant,
  effects: AgentEffect[],
): Milliseconds | undefined {
  if (wakes(state, copy, facts, at)) {
    const permit = permitFor(state, key, copy, effects)?.permit;
    return permit && permit.until - permit.settleMs;
  }
  const ends = copy.seen?.expiresAt ?? null;
  const isAlive = copy.seen?.health === 'sound' && isUsable(ends, at);
  return isAlive && ends !== null ? state.elapsed + (ends - at) : Number.POSITIVE_INFINITY;
}

/** The permit under which a recovery may be written now; where there is none yet, it is asked for. */
function permitFor(state: AgentState, key: CopyKey, copy: Copy, effects: AgentEffect[]): Claim | undefined {
  const { claims } = state;
  const id = claims.byCopy.get(key);
  const claim = id === undefined ? undefined : claims.byId.get(id);
  if (claim) return claim.phase !== 'waiting' && fits(claim, state.elapsed) ? claim : undefined;
  if (claims.byId.size >= claimsPerMessageMax || waitsForOthers(state, copy)) return undefined;
  const { store, profile, account } = copy;
  const asked: Claim = {
    id: claims.nextId++,
    claimant: { type: 'store', store, profile, account },
    sessions: sessionsOf(state, copy),
    copy: key,
    phase: 'waiting',
  };
  claims.byCopy.set(key, asked.id);
  putClaim(claims, asked);
  effects.push(note('recovery-waits', { store, profile, account }));
  return undefined;
}

/** Agents whose own login fails fall back to the main agent's store: it is healed when the others have theirs. */
function waitsForOthers(state: AgentState, { store, account }: Copy): boolean {
  if (fallbackOf(state, store) !== store) return false;
  for (const other of state.copies.values()) {
    if (other.account !== account || other.store === store || !other.seen) continue;
    if (fallbackOf(state, other.store) !== store) continue;
    const claim = claimOf(state, other);
    if (claim && claim.phase !== 'settled') return true;
    // One that cannot be written holds nobody up.
    if (other.unsettledAt !== undefined && other.attempts === 0 && isDead(state, other)) return true;
  }
  return false;
}

function isDead(state: AgentState, other: Copy): boolean {
  const facts = state.accounts.get(other.account);
  const isDue = other.judged?.verdict === 'stale' || other.judged?.verdict === 'unfit';
  return facts !== undefined && isDue && wakes(state, other, facts, other.seenAt);
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
  let sessions = own.sessions;
  for (const [other, layout] of state.config.layout ?? []) {
    if (other !== store && layout.fallback === store && !holders.has(other)) sessions += layout.sessions;
  }
  return Math.max(1, Math.min(sessions, own.concurrentMax ?? sessions));
}

function fallbackOf(state: AgentState, store: StoreId): StoreId | undefined {
  return state.config.layout?.get(store)?.fallback;
}

/** A recovery was written and read back: its sessions are coming back from now on. */
export function recoveryWritten(state: AgentState, key: CopyKey, { use }: SeenProfile, effects: AgentEffect[]): void {
  const claim = claimFor(state, key);
  if (claim && claim.phase !== 'settled') letGo(state, claim, use, effects);
}

/** The sessions of a claim are let go: what follows says whether they came back. */
export function letGo(
  state: AgentState,
  claim: Claim,
  useBefore: ProfileUse | undefined,
  effects: AgentEffect[],
): void {
  const { permit, id } = claim;
  if (!permit) return;
  const { healthCommand, settleMs } = permit;
  const isChecked = healthCommand !== undefined && state.config.healthCommands === true;
  // Where a command says whether they are back, time alone says it only when that command does not answer.
  const settlesAt = state.elapsed + settleMs + (isChecked ? healthAnswerMsMax : 0);
  putClaim(state.claims, { ...claim, phase: 'settling', useBefore, settlesAt });
  if (isChecked) {
    effects.push({ type: 'check-health', claim: id, command: healthCommand, timeoutMs: settleMs });
  }
}

/** Nothing was written under the permit: others may have it. */
export function recoveryFailed(state: AgentState, key: CopyKey): void {
  const claim = claimFor(state, key);
  if (!claim || claim.phase === 'settled') return;
  if (claim.phase === 'granted') {
    state.claims.byCopy.delete(key);
    putClaim(state.claims, { ...claim, phase: 'settled', outcome: 'unused' });
  }
}

function claimFor(state: AgentState, key: CopyKey): Claim | undefined {
  const id = state.claims.byCopy.get(key);
  return id === undefined ? undefined : state.claims.byId.get(id);
}
