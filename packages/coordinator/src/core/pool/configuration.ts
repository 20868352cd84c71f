import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorState } from '../state.ts';
import { burstOfUnknown, withLimit } from './pace.ts';
import { dropPermit, type Permit, type Pool, poolOf, putPermit, sessionsOf } from './pool.ts';
import { dequeue, enqueue, type Waiting } from './queue.ts';
import { serve } from './service.ts';
import { addStarts } from './starts.ts';
import { defaultPool, mostTogether, type PoolTerms, termsFor } from './terms.ts';

/** The operator changed the pools: limits count at once, and what waits is lined up where it belongs now. */
export function poolsConfigured(
  state: CoordinatorState,
  terms: readonly PoolTerms[],
  effects: CoordinatorEffect[],
): void {
  const { pools } = state;
  if (JSON.stringify(pools.terms) === JSON.stringify(terms)) return;
  const named = new Set(pools.terms.map(({ name }) => name));
  pools.terms = terms;
  const known = new Map([defaultPool, ...terms].map(one => [one.name, one] as const));
  for (const [name, pool] of pools.pools) {
    const now = known.get(name);
    pool.isRetired = now === undefined;
    if (!now) continue;
    pool.pace = withLimit(pool.pace, pool.terms.limit, now.limit);
    pool.terms = now;
  }
  for (const pool of [...pools.pools.values()]) {
    if (pool.isRetired) keepStarts(state, pool, named);
    for (const waiting of everyoneIn(pool)) moveTo(state, pool, waiting);
    for (const permit of [...pool.permits.values()]) moveSessions(state, pool, permit, named);
  }
  serve(state, effects);
}

/** What was started under a name that is gone counts under each that is new: nobody knows which of them it is. */
function keepStarts({ pools }: CoordinatorState, { starts }: Pool, named: ReadonlySet<string>): void {
  for (const terms of pools.terms) if (!named.has(terms.name)) addStarts(poolOf(pools, terms).starts, starts);
}

function everyoneIn({ queue }: Pool): Waiting[] {
  return [...queue.lanes.values()].flatMap(({ claims }) => [...claims.values()]);
}

/** Whether so many can ever be let go together: of a command no part is. */
function isPossible({ claim }: Waiting, terms: PoolTerms, sessions: number): boolean {
  return sessions <= (claim.claimant.type === 'command' ? mostTogether(terms) : terms.limit);
}

/** A command whose pool is gone, or too small now, is refused by the next answer: it is not lined up any more. */
function moveTo(state: CoordinatorState, from: Pool, waiting: Waiting): void {
  const terms = termsFor(state.pools.terms, waiting.claim.claimant);
  const to = terms && poolOf(state.pools, terms);
  const sessions = terms ? sessionsOf(waiting.claim, terms) : 0;
  if (to === from && sessions === waiting.claim.sessions && isPossible(waiting, from.terms, sessions)) return;
  dequeue(from.queue, waiting, false);
  if (to && terms && isPossible(waiting, terms, sessions))
    enqueue(to.queue, { ...waiting, claim: { ...waiting.claim, sessions } });
}

/**
 * Sessions that are coming back go on coming back, whatever their pool is called: they count where their login belongs
 * now. Of a command nobody knows that once its pool is gone; it may be any that is new (not `named` before).
 */
function moveSessions({ pools }: CoordinatorState, from: Pool, permit: Permit, named: ReadonlySet<string>): void {
  const own = termsFor(pools.terms, permit.claimant);
  const targets = own ? [own] : pools.terms.filter(({ name }) => !named.has(name));
  if (targets.length === 0 || targets.some(({ name }) => name === from.terms.name)) return;
  dropPermit(from, permit);
  for (const terms of targets) {
    const to = poolOf(pools, terms);
    putPermit(to, { ...permit, burst: burstOfUnknown(to.pace) });
  }
}
