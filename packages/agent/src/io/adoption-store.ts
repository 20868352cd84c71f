import type { AgentConfig } from '@authmesh/agent/core/config';
import type { StoreLayout } from '@authmesh/agent/core/permit/claim';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import type { StateDirectory } from './store-discovery.ts';

/** The configuration with what this host's folders say: where `sync.create` may put logins, how sessions hang on stores. */
export function withCreation(config: AgentConfig, directories: readonly StateDirectory[]): AgentConfig {
  const [agent] = directories.flatMap(({ agents, noCreation }) =>
    agents.filter(({ id, isPresent }) => id === 'main' && (isPresent || noCreation === undefined)),
  );
  return { ...config, createIn: agent?.store, layout: layoutOf(config, directories) };
}

/** An agent whose own login fails falls back to the main agent of its state directory (2026.2.12 to 2026.6.1). */
function layoutOf(config: AgentConfig, directories: readonly StateDirectory[]): Map<StoreId, StoreLayout> {
  const layout = new Map<StoreId, StoreLayout>();
  for (const { agents, concurrentMax } of directories) {
    const main = agents.find(({ id }) => id === 'main');
    for (const { id, store } of agents) {
      layout.set(store, { sessions: config.sessions?.[id] ?? 1, fallback: main?.store ?? store, concurrentMax });
    }
  }
  return layout;
}

/** Where a new profile goes: the named agent's store, else the default agent's. */
export function adoptionStore(directories: readonly StateDirectory[], agentId: string | undefined): StoreId {
  const wanted = agentId ?? 'main';
  for (const { agents, noCreation } of directories) {
    const agent =
      agents.find(({ id }) => id === wanted) ??
      (agentId === undefined ? agents.find(({ isPresent }) => isPresent) : undefined);
    if (!agent) continue;
    if (agent.isPresent || noCreation === undefined) return agent.store;
    throw new AuthmeshError('ERR_REFUSED', `no login can be put into ${agent.store}`, { hint: noCreation });
  }
  const reason = directories.find(directory => directory.noCreation !== undefined)?.noCreation;
  throw new AuthmeshError(
    'ERR_NOT_FOUND',
    agentId === undefined
      ? 'this host has no OpenClaw agent to give a login to'
      : `this host has no OpenClaw agent "${agentId}"`,
    {
      hint: reason ?? 'start OpenClaw once so that it makes its agent’s folder, or name another with --agent',
    },
  );
}
