import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { Refusal } from '../permit/claim.ts';
import { isWorking } from '../permit/recovery.ts';
import { poolOfLogin } from '../pool-share.ts';
import type { AgentState, Copy } from '../state.ts';
import type { PlannedHold } from './hold.ts';

/** Which agents of this host a command's start has to hold back, and for how many sessions the command itself asks. */
export type HoldPlan =
  | { readonly sessions: number; readonly holds: readonly PlannedHold[] }
  | { readonly refusal: Refusal };

/** An agent that may come back with the command. */
interface Returning {
  readonly planned: PlannedHold;
  /** It has no login that works, or comes back by a permit of its own. */
  readonly isRecovering: boolean;
  /** Why it cannot be held back. */
  readonly obstacle?: string | undefined;
}

/** Plans a command that starts `sessions` sessions at once, before its permits are asked for. */
export function planStart(state: AgentState, pool: string, sessions: number, at: Instant): HoldPlan {
  const terms = state.overview?.body.pools.find(({ name }) => name === pool);
  // Of a pool that is not known here the coordinator says what there is to say.
  const most = terms && Math.min(terms.limit, terms.together ?? terms.limit);
  if (!terms || !most || sessions <= most) return { sessions, holds: [] };
  const refusal = heldSinceLastStart(state);
  if (refusal) return { refusal };
  // As few as may come back now; where more have to, that waits until they may.
  const plan = planHolds(state, pool, sessions, Math.max(1, Math.min(terms.live, most)), at);
  return 'refusal' in plan ? planHolds(state, pool, sessions, most, at) : plan;
}

/** One start after the other: a store's marks are of one command, and are lifted under the permits of its pool. */
export function heldSinceLastStart({ holds }: AgentState): Refusal | undefined {
  if (holds.size === 0) return undefined;
  const held = holds.size === 1 ? '1 agent of this host is' : `${holds.size} agents of this host are`;
  return { why: `${held} held back since the last start: each waits for its turn`, isPassing: true };
}

/**
 * Plans the start of `sessions` sessions of which `limit` may come back. Nobody can tell which of a host's agents a
 * command starts: all whose logins are in the pool count, and those above the limit are held. What starts besides them
 * cannot be held; what waits for its own recovery is held by that.
 */
export function planHolds(state: AgentState, pool: string, sessions: number, limit: number, at: Instant): HoldPlan {
  const agents = agentsIn(state, pool, at);
  const returning = agents.filter(({ isRecovering }) => !isRecovering);
  const holdable = plannedOf(returning.filter(({ obstacle }) => obstacle === undefined));
  const recovering = total(plannedOf(agents)) - total(plannedOf(returning));
  const needed = Math.max(sessions - recovering, total(plannedOf(returning)));
  let room = limit - (needed - total(holdable));
  if (room < 0) {
    const found = `${needed} sessions are more than pool ${pool} allows at once, ${limit}`;
    const reason = returning.find(({ obstacle }) => obstacle !== undefined)?.obstacle;
    const why = reason === undefined ? '' : ` (${reason})`;
    const refusal = `${found}, and ${total(holdable)} of them can be held back meanwhile${why}`;
    return { refusal: { why: refusal, isPassing: false } };
  }
  const holds: PlannedHold[] = [];
  for (const planned of holdable) {
    if (planned.sessions <= room) room -= planned.sessions;
    else holds.push(planned);
  }
  return { sessions: Math.max(1, needed - total(holds)), holds };
}

/** Sessions of this host's agents in a pool, where they are more than the pool allows at once and than were asked for. */
export function unsaidSessions(state: AgentState, pool: string, sessions: number, at: Instant): number | undefined {
  const limit = state.overview?.body.pools.find(({ name }) => name === pool)?.limit;
  const all = limit === undefined ? 0 : total(plannedOf(agentsIn(state, pool, at)));
  return limit !== undefined && all > limit && all > sessions ? all : undefined;
}

function total(agents: readonly PlannedHold[]): number {
  return agents.reduce((sum, { sessions }) => sum + sessions, 0);
}

function plannedOf(agents: readonly Returning[]): readonly PlannedHold[] {
  return agents.map(({ planned }) => planned);
}

/**
 * The logins of its pool that a held agent could use now: those that it was planned with, and what was added since. A
 * pool that nobody has told this daemon of yet has none that are new.
 */
export function profilesToHold(
  state: AgentState,
  { store, profile, account, profiles }: PlannedHold,
): readonly ProfileId[] {
  const pools = state.overview?.body.pools;
  if (!pools) return profiles;
  const fallback = state.config.layout?.get(store)?.fallback;
  const byStore = copiesIn(state, poolOfLogin(pools, { profile, account }).name);
  const usable = [...(byStore.get(store) ?? []), ...((fallback && byStore.get(fallback)) || [])];
  return [...new Set([...profiles, ...usable.map(copy => copy.profile)])];
}

function copiesIn(state: AgentState, pool: string): ReadonlyMap<StoreId, readonly Copy[]> {
  const pools = state.overview?.body.pools ?? [];
  const byStore = new Map<StoreId, Copy[]>();
  for (const copy of state.copies.values()) {
    if (!copy.seen || poolOfLogin(pools, copy).name !== pool) continue;
    byStore.set(copy.store, [...(byStore.get(copy.store) ?? []), copy]);
  }
  return byStore;
}

function agentsIn(state: AgentState, pool: string, at: Instant): Returning[] {
  const agents: Returning[] = [];
  const byStore = copiesIn(state, pool);
  for (const [store, { sessions, fallback, noHold }] of state.config.layout ?? []) {
    const usable = [...(byStore.get(store) ?? []), ...(fallback === store ? [] : (byStore.get(fallback) ?? []))];
    const [first] = usable;
    if (!first) continue;
    const profiles = [...new Set(usable.map(({ profile }) => profile))];
    const planned = { store, profile: first.profile, account: first.account, profiles, sessions };
    const obstacle = noHold ?? obstacleOf(state, store, fallback);
    agents.push({
      planned,
      isRecovering: isReturning(state, store, pool) || !usable.some(({ seen }) => seen && isWorking(seen, at)),
      obstacle,
    });
  }
  return agents;
}

function obstacleOf({ stores }: AgentState, store: StoreId, fallback: StoreId): string | undefined {
  // OpenClaw copies a main agent's statistics into the stores of the others, the marks with them.
  if (store === fallback) return 'a main agent comes back with the command';
  return stores.get(store)?.state === 'readable' ? undefined : 'an agent without a store of its own has no marks';
}

/** Whether the sessions of a store are coming back already, under a permit of their own. */
function isReturning({ claims }: AgentState, store: StoreId, pool: string): boolean {
  for (const { claimant, phase, permit } of claims.byId.values()) {
    if (claimant.type !== 'store' || claimant.store !== store || permit?.pool !== pool) continue;
    if (phase === 'granted' || phase === 'settling') return true;
  }
  return false;
}
