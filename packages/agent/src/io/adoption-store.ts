import type { AgentConfig } from '@authmesh/agent/core/config';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import type { StateDirectory } from './store-discovery.ts';

/** `sync.create` puts logins into the default agent's store, where one may be made. */
export function withCreation(config: AgentConfig, directories: readonly StateDirectory[]): AgentConfig {
  const [agent] = directories.flatMap(({ agents, noCreation }) =>
    agents.filter(({ id, isPresent }) => id === 'main' && (isPresent || noCreation === undefined)),
  );
  return { ...config, createIn: agent?.store };
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
