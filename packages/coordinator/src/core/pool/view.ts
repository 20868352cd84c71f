import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { nextLimit } from '@authmesh/shared/core/waves';
import type { PoolView } from '@authmesh/shared/protocol/permit';
import { isOpen } from './grant.ts';
import type { Pool, PoolsState } from './pool.ts';
import { defaultPool, mostTogether, type PoolTerms } from './terms.ts';

/** Every pool of the configuration, and the default one while it is in use. */
export function poolViews(state: PoolsState, now: Milliseconds): PoolView[] {
  const views: PoolView[] = [];
  const seen = new Set<string>();
  for (const terms of [...state.terms, defaultPool]) {
    if (seen.has(terms.name)) continue;
    seen.add(terms.name);
    const pool = state.pools.get(terms.name);
    if (!pool && terms === defaultPool && state.terms.length > 0) continue;
    views.push(viewOf(state, terms, pool, now));
  }
  for (const [name, pool] of state.pools) if (!seen.has(name)) views.push(viewOf(state, pool.terms, pool, now));
  return views;
}

function viewOf(state: PoolsState, terms: PoolTerms, pool: Pool | undefined, now: Milliseconds): PoolView {
  const { name, match, limit, settleMs, healthCommand } = terms;
  const isDefault = terms === defaultPool ? true : undefined;
  const most = mostTogether(terms);
  const together = most < limit ? most : undefined;
  const common = { name, match: [...match], limit, together, settleMs, healthCommand, isDefault };
  if (!pool) return { ...common, live: limit, recovering: 0, waiting: 0, etaMs: 0, phase: 'steady' };
  const { pace, queue, active } = pool;
  const isQuiet = active === 0 && queue.count === 0 && (pace.phase === 'canary' || pace.phase === 'ramp');
  const phase = isOpen(state, now) ? (isQuiet ? 'steady' : pace.phase) : queue.count > 0 ? 'barrier' : 'steady';
  const live = isQuiet ? Math.min(pace.held, limit) : Math.min(pace.live, limit);
  const why = phase === 'steady' ? undefined : waitReason(state, pool, now);
  return { ...common, live, recovering: active, waiting: queue.sessions, etaMs: drainMs(pool), phase, why };
}

/** Until nobody waits, by the ramp that is still ahead. */
function drainMs({ queue, pace, terms }: Pool): Milliseconds | null {
  if (queue.sessions === 0) return 0;
  if (pace.phase === 'halted' || pace.phase === 'closed') return null;
  let left = queue.sessions;
  let waves = 0;
  for (let live = Math.max(1, pace.live); left > 0; live = nextLimit(live, pace.held, terms.limit)) {
    left -= live;
    waves++;
  }
  return waves * terms.settleMs;
}

/** What a claim of this pool waits for, in words. */
export function waitReason(state: PoolsState, { pace, terms, active }: Pool, now: Milliseconds): string {
  if (!isOpen(state, now)) {
    const left = Math.max(0, Math.ceil((state.barrierUntil - now) / second));
    return `the coordinator has just started and waits up to ${left} s for those who may be coming back already`;
  }
  if (pace.phase === 'halted' || pace.phase === 'closed') {
    const left = Math.max(0, Math.ceil(((pace.until ?? now) - now) / second));
    return `${pace.why ?? 'nothing is let go'}; it goes on in ${left} s`;
  }
  const live = Math.min(pace.live, terms.limit);
  const canary = pace.phase === 'canary' ? '; the first one shows whether the login works' : '';
  const found = active > live ? `${active} sessions` : `${active} of at most ${live} sessions`;
  return `${found} of pool ${terms.name} are coming back${canary}`;
}
