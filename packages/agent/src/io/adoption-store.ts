import { obstacle } from '@authmesh/agent/core/adoption';
import type { AgentConfig } from '@authmesh/agent/core/config';
import type { AgentState } from '@authmesh/agent/core/state';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { StateDirectory } from './state-directory.ts';
import { layoutOf } from './store-layout.ts';

/** The configuration with what this host's folders say: where `sync.create` may put logins, how sessions hang on stores. */
export function withCreation(config: AgentConfig, directories: readonly StateDirectory[]): AgentConfig {
  const [agent] = directories.flatMap(({ agents, noCreation }) =>
    agents.filter(({ id, isPresent }) => id === 'main' && (isPresent || noCreation === undefined)),
  );
  return { ...config, createIn: agent?.store, layout: layoutOf(config, directories) };
}

type Place =
  | { readonly store: StoreId }
  | { readonly code: 'ERR_REFUSED' | 'ERR_NOT_FOUND'; readonly found: string; readonly hint: string };

/** Where a new profile goes: the named agent's store, else the default agent's. Throws where none can be put. */
export function adoptionStore(directories: readonly StateDirectory[], agentId: string | undefined): StoreId {
  const place = placeFor(directories, agentId);
  if ('store' in place) return place.store;
  throw new AuthmeshError(place.code, place.found, { hint: place.hint });
}

/** Why this login of the fleet cannot be adopted here as things are; undefined where it can. */
export function adoptionObstacle(
  state: AgentState,
  facts: AnnouncementFacts,
  directories: readonly StateDirectory[],
): string | undefined {
  const place = placeFor(directories, undefined);
  return 'store' in place ? obstacle(state, facts, place.store) : place.hint;
}

/** The same of any login, before the fleet's are known here. */
export function placeProblem(directories: readonly StateDirectory[]): string | undefined {
  const place = placeFor(directories, undefined);
  return 'store' in place ? undefined : place.hint;
}

function placeFor(directories: readonly StateDirectory[], agentId: string | undefined): Place {
  const wanted = agentId ?? 'main';
  for (const { agents, noCreation } of directories.filter(({ tool }) => tool === undefined)) {
    const agent =
      agents.find(({ id }) => id === wanted) ??
      (agentId === undefined ? agents.find(({ isPresent }) => isPresent) : undefined);
    if (!agent) continue;
    if (agent.isPresent || noCreation === undefined) return { store: agent.store };
    return { code: 'ERR_REFUSED', found: `no login can be put into ${agent.store}`, hint: noCreation };
  }
  const reason = directories.find(({ tool, noCreation }) => tool === undefined && noCreation !== undefined)?.noCreation;
  const found = `this host has no OpenClaw agent ${agentId === undefined ? 'to give a login to' : `"${agentId}"`}`;
  const hint = reason ?? 'start OpenClaw once so that it makes its agent’s folder, or name another with --agent';
  return { code: 'ERR_NOT_FOUND', found, hint };
}
