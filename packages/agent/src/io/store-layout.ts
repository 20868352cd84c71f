import type { AgentConfig } from '@authmesh/agent/core/config';
import type { StoreLayout } from '@authmesh/agent/core/permit/claim';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import type { AgentStore, StateDirectory } from './state-directory.ts';
import { locate } from './store-file.ts';

/**
 * How sessions hang on the stores of a host. An agent whose own login fails falls back to the main agent of its state
 * directory (2026.2.12 to 2026.6.1); where stores are links to one file, what is written into it wakes all of its agents.
 */
export function layoutOf(config: AgentConfig, directories: readonly StateDirectory[]): Map<StoreId, StoreLayout> {
  const layout = new Map<StoreId, StoreLayout>();
  const files = Map.groupBy(
    directories.flatMap(({ agents }) => agents.filter(({ isPresent }) => isPresent)),
    ({ store }) => locate(store),
  );
  const weightOf = ({ id }: AgentStore) => config.sessions?.[id] ?? 1;
  for (const { agents, concurrentMax, noHold, openaiName } of directories) {
    const main = agents.find(({ id }) => id === 'main');
    for (const agent of agents) {
      const together = (agent.isPresent ? files.get(locate(agent.store)) : undefined) ?? [agent];
      layout.set(agent.store, {
        sessions: weightOf(agent),
        together: together.length > 1 ? together.reduce((sum, one) => sum + weightOf(one), 0) : undefined,
        fallback: main?.store ?? agent.store,
        isFallback: main && agent !== main && together.includes(main) ? true : undefined,
        concurrentMax,
        openaiName,
        noHold: together.length > 1 ? `${agent.store} is the store of ${together.length} agents` : noHold,
      });
    }
  }
  return layout;
}
