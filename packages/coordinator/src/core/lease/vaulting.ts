import type { AccountId, Fingerprint, NodeId } from '@authmesh/shared/core/identifiers';
import { comparePositions, type Position } from '@authmesh/shared/core/position';
import type { CoordinatorState } from '../state.ts';

/*
 * Under custody `vault` no store holds a refresh token. Before it leaves the last one, the disks of two nodes have to hold
 * it besides the coordinator's; where the fleet has one node, that node's.
 */
const vaultsMin = 2;

/** A node has an account's record on its disk, as it was announced at this position; whether enough have it only now. */
export function vouched(state: CoordinatorState, node: NodeId, account: AccountId, position: Position): boolean {
  const current = state.accounts.get(account)?.record.current;
  if (current?.refresh === undefined || comparePositions(position, current.position) < 0) return false;
  const before = state.leases.vaulted.get(account);
  const isSame = before !== undefined && comparePositions(before.position, current.position) === 0;
  const nodes = isSame ? before.nodes : new Set<NodeId>();
  if (nodes.has(node)) return false;
  const was = isSame && isVaulted(state, account);
  nodes.add(node);
  state.leases.vaulted.set(account, { position: current.position, nodes });
  return !was && isVaulted(state, account);
}

/** Whether enough vaults hold the refresh token of the current login. */
export function isVaulted({ accounts, leases, nodes }: CoordinatorState, account: AccountId): boolean {
  const current = accounts.get(account)?.record.current;
  const known = leases.vaulted.get(account);
  // The fleet does not refresh what went along with a host that left: an OpenClaw that has it as well keeps it.
  if (leases.departed.has(current?.refresh as Fingerprint)) return false;
  if (!current || !known || comparePositions(known.position, current.position) !== 0) return false;
  return known.nodes.size >= Math.min(vaultsMin, nodes.size);
}
