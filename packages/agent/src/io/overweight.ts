import { sessionsOf } from '@authmesh/agent/core/permit/recovery';
import { poolOfLogin } from '@authmesh/agent/core/pool-share';
import type { AgentState } from '@authmesh/agent/core/state';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import type { PoolView } from '@authmesh/shared/protocol/permit';

/** A store of this host whose one login wakes more sessions than its pool lets come back at once. */
export interface OverweightStore {
  readonly store: StoreId;
  readonly pool: string;
  readonly sessions: number;
  readonly limit: number;
  /** What mends it: commands for the operator. */
  readonly mend: string;
}

/** One delivery wakes all that hang on a store: a limit below that is none. */
export function overweightStores(state: AgentState, pools: readonly PoolView[]): OverweightStore[] {
  const found = new Map<string, OverweightStore>();
  for (const copy of state.copies.values()) {
    if (!copy.seen) continue;
    const { name: pool, limit } = poolOfLogin(pools, copy);
    const sessions = sessionsOf(state, copy);
    if (sessions <= limit) continue;
    const mend = `\`openclaw config set agents.defaults.maxConcurrent ${limit}\`, or sign its agents in with stores of their own, or raise the limit of ${pool} in coordinator.json if the provider allows more; \`authmesh-agent plan --pool ${pool} --sessions ${sessions}\` shows what that does`;
    const { store } = copy;
    const key = `${store} ${pool}`;
    if ((found.get(key)?.sessions ?? 0) < sessions) found.set(key, { store, pool, sessions, limit, mend });
  }
  return [...found.values()];
}

/** What is wrong with such a store, in words. */
export function overweightSentence({ store, pool, sessions, limit }: OverweightStore): string {
  return `one login in ${store} wakes ${sessions} sessions, and pool ${pool} lets ${limit} come back at once`;
}
