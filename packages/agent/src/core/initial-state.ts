import type { AccountId, CopyKey, FleetId, NodeId } from '@authmesh/shared/core/identifiers';
import { copyKey } from '@authmesh/shared/core/identifiers';
import type { AgentConfig } from './config.ts';
import type { Memory } from './effect.ts';
import { firstLink } from './link-state.ts';
import type { AccountMemory } from './memory.ts';
import { createClaims } from './permit/claim.ts';
import type { Hole } from './refresh/hole.ts';
import { type LeaseMemory, leasesOf } from './refresh/open-lease.ts';
import { type AgentState, type Copy, createCopy } from './state.ts';

/** The state of an agent that has just started with what its journal kept. */
export function createAgentState(from: {
  readonly node: NodeId;
  readonly name: string;
  readonly fleet: FleetId;
  readonly config: AgentConfig;
  readonly memory: readonly Memory[];
  /** The fleet as it was told before the start. */
  readonly overview?: AgentState['overview'];
  /** Names this run of the process among all. */
  readonly run: string;
}): AgentState {
  const copies = new Map<CopyKey, Copy>();
  const accounts = new Map<AccountId, AccountMemory>();
  const leases: LeaseMemory[] = [];
  let hole: Hole | undefined;
  let epoch = 0;
  for (const entry of from.memory) {
    if (entry.kind === 'lease') {
      if (entry.lease) leases.push(entry.lease);
    } else if (entry.kind === 'hole') {
      hole = entry.hole ?? undefined;
    } else if (entry.kind === 'account') {
      accounts.set(entry.account.account, entry.account);
      epoch = Math.max(epoch, entry.account.position.epoch);
    } else if (entry.copy) {
      const { store, profile, account, last, chain, doubted } = entry.copy;
      copies.set(copyKey(store, profile), { ...createCopy(store, profile, account), last, chain, doubted });
    } else {
      copies.delete(entry.key);
    }
  }
  return {
    self: { node: from.node, name: from.name, fleet: from.fleet },
    config: from.config,
    policy: { allow: ['*'], deny: [] },
    link: firstLink,
    lastHeard: 0,
    clockOffsetMs: 0,
    epoch,
    stores: new Map(),
    copies,
    accounts,
    spent: new Map(),
    refusals: new Map(),
    overview: from.overview,
    asking: new Set(),
    nextRequest: 1,
    adoptions: new Map(),
    elapsed: 0,
    awake: 0,
    claims: createClaims(from.run),
    leases: leasesOf(leases, from.config.refreshes),
    hole,
    holds: new Map(),
  };
}
