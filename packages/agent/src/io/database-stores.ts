import type { StoreId } from '@authmesh/shared/core/identifiers';
import type { ProbeResult } from './sqlite-probe.ts';
import type { AgentStore } from './state-directory.ts';

/** A database of OpenClaw and the agent whose it is; the shared one counts as the main agent’s. */
export interface Database {
  readonly id: string;
  readonly path: string;
  readonly result: ProbeResult | undefined;
}

/**
 * The stores of a host that keeps its logins in SQLite: the shared one, if its marker says that it is the owner, and each
 * agent's own. The main agent has one of its own besides only where it has logins there.
 */
export function databaseStores(databases: readonly Database[]): AgentStore[] {
  if (!databases.some(({ result }) => result === 'logins')) return [];
  const [shared, ...own] = databases;
  const isShared = shared?.result === 'logins';
  return [...(shared && isShared ? [shared] : []), ...own]
    .filter(({ id, path, result }) => result === 'logins' || !(isShared && id === 'main' && path !== shared?.path))
    .map(({ id, path, result }) => ({ id, store: path as StoreId, isPresent: result === 'logins' }));
}

/** Why nothing is known of a database, if it cannot be read. */
export function explainUnreadable({ path, result }: Database): { readonly path: string; readonly reason: string }[] {
  if (typeof result !== 'object') return [];
  return [{ path, reason: `whether it holds logins cannot be told: ${result.unreadable}` }];
}
