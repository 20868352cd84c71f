import type { StoreId } from '@authmesh/shared/core/identifiers';
import { matchesPattern } from '@authmesh/shared/core/patterns';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { PoolView } from '@authmesh/shared/protocol/permit';
import { subjectOf } from './coverage.ts';
import type { AgentState, Copy } from './state.ts';

/** What a restart does to a pool: how many sessions come back, and the pool's terms. */
export interface PoolShare {
  readonly pool: string;
  readonly sessions: number;
  readonly limit: number;
  readonly settleMs: Milliseconds;
}

type Terms = Pick<PoolView, 'name' | 'limit' | 'settleMs' | 'match' | 'isDefault'>;

/** As the coordinator has it for logins that no pool of its configuration matches. */
const defaultTerms: Terms = { name: 'default', limit: 4, settleMs: 20 * second, match: ['*'] };

/** The pool of a login: the first that matches, in the order in which the coordinator names them. */
export function poolOfLogin(pools: readonly Terms[], copy: Pick<Copy, 'account' | 'profile'>): Terms {
  const subject = subjectOf(copy.account, copy.profile);
  const configured = pools.filter(({ isDefault }) => isDefault !== true);
  const found = configured.find(({ match }) => match.some(pattern => matchesPattern(pattern, subject)));
  return found ?? pools.find(({ isDefault }) => isDefault === true) ?? defaultTerms;
}

/**
 * The pool that the most sessions of this host come back to when everything that uses its stores is started again. An
 * agent without a login of its own comes back with its main agent's.
 */
export function largestShare(state: AgentState, pools: readonly Terms[]): PoolShare {
  const terms = new Map<StoreId, Set<Terms>>();
  for (const copy of state.copies.values()) {
    if (!copy.seen && state.stores.get(copy.store)?.state !== 'quarantined') continue;
    const used = terms.get(copy.store) ?? new Set();
    terms.set(copy.store, used.add(poolOfLogin(pools, copy)));
  }
  const needs = new Map<Terms, Map<StoreId, number>>();
  for (const [store, { sessions, fallback, concurrentMax }] of state.config.layout ?? []) {
    for (const pool of terms.get(store) ?? terms.get(fallback) ?? []) {
      const gateways = needs.get(pool) ?? new Map<StoreId, number>();
      const together = (gateways.get(fallback) ?? 0) + sessions;
      needs.set(pool, gateways.set(fallback, Math.min(together, concurrentMax ?? together)));
    }
  }
  let largest: PoolShare | undefined;
  for (const [{ name, limit, settleMs }, gateways] of needs) {
    const sessions = [...gateways.values()].reduce((sum, one) => sum + one, 0);
    if (!largest || sessions > largest.sessions) largest = { pool: name, sessions, limit, settleMs };
  }
  const { name, limit, settleMs } = pools[0] ?? defaultTerms;
  return largest ?? { pool: name, sessions: 0, limit, settleMs };
}
