import type { AccountId, NodeId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import type { Observation } from '@authmesh/shared/protocol/observation';
import { awayCopiesOf, awayCopyOf } from '../away.ts';
import type { AwayCopy } from '../record.ts';
import type { CoordinatorState, Session } from '../state.ts';
import type { Halt } from './refresh-record.ts';
import type { Renewable } from './standing.ts';

/** Whether a copy bears OpenClaw's mark of a refresh: one that is under way, or one that failed. */
export function isFence(health: Observation['health']): boolean {
  return health === 'fence-pending' || health === 'fence-failed';
}

/** OpenClaw's mark of a refresh stands somewhere: its result is waited for, or its refresh token may be spent. */
export function fenceReported({ leases }: CoordinatorState, { node }: Session, { account, health }: Observation): void {
  if (!isFence(health)) return;
  const nodes = leases.fenced.get(account) ?? new Set();
  leases.fenced.set(account, nodes.add(node));
}

/** The doubt that a failed refresh by some OpenClaw casts on the current login, as the nodes have it; undefined: none. */
export function openclawDoubt(
  state: CoordinatorState,
  account: AccountId,
  current: Renewable,
  at: Instant,
): Halt | undefined {
  for (const id of state.leases.fenced.get(account) ?? []) {
    const node = state.nodes.get(id);
    if (!node) continue;
    const copies = [...[...node.copies.values()].map(awayCopyOf), ...awayCopiesOf(state, id, node.copies)];
    const isFailed = ({ account: of, health, spends }: AwayCopy) =>
      of === account && health === 'fence-failed' && spends === current.refresh;
    if (copies.some(isFailed)) return doubtOf(state, id, at);
  }
  return undefined;
}

/** The doubt that this node's OpenClaw casts on a login. */
export function doubtOf(state: CoordinatorState, node: NodeId, since: Instant): Halt {
  const name = state.nodes.get(node)?.record.name ?? 'a node';
  const why = `a refresh by OpenClaw on ${name} failed, and may have spent it`;
  return { state: 'in-doubt', by: 'openclaw', node, since, why };
}
