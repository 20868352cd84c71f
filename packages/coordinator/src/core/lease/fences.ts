import type { Instant } from '@authmesh/shared/core/time';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { CoordinatorEffect } from '../effect.ts';
import type { AccountEntry, CoordinatorState, Session } from '../state.ts';
import { writeHalt } from './halt.ts';
import { haltOf, leaseOf, renewableOf } from './standing.ts';

/** OpenClaw's mark of a refresh under way stands somewhere: its result is waited for. */
export function fenceReported({ leases }: CoordinatorState, { node }: Session, { account, health }: Observation): void {
  if (health !== 'fence-pending') return;
  const nodes = leases.fenced.get(account) ?? new Set();
  leases.fenced.set(account, nodes.add(node));
}

/**
 * A refresh by OpenClaw failed after it may have spent the fleet's refresh token. The login is in doubt: it is used as
 * long as its access token lives.
 */
export function doubtByOpenclaw(
  state: CoordinatorState,
  entry: AccountEntry,
  session: Session,
  { spends }: Observation,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const current = renewableOf(entry.record);
  if (current?.refresh !== spends || !current || leaseOf(entry.record) || haltOf(entry.record)) return;
  const name = state.nodes.get(session.node)?.record.name ?? 'a node';
  const why = `a refresh by OpenClaw on ${name} failed, and may have spent it`;
  writeHalt(state, entry, current, { state: 'in-doubt', by: 'openclaw', node: session.node, since: at, why }, effects);
}
