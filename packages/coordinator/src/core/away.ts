import { type CopyKey, copyKey, type NodeId } from '@authmesh/shared/core/identifiers';
import { commitRecord } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { type AwayCopy, copiesKey, nodeKey } from './record.ts';
import type { CoordinatorState, NodeEntry, ReportedCopy } from './state.ts';

/*
 * What a host that is away last had: for an operator's eyes, and so that nobody uses a refresh token that stands in its stores.
 * No login is judged by it: a host is judged by what it reports on its link, and that is kept elsewhere (`NodeEntry.copies`).
 */

/** Most of one host's copies that is kept while it is away, in characters of JSON: a thousand copies and more. */
export const awayCharsMax = 512 * 1024;

/** What a node last had; undefined once it has told anew on its link. */
export interface AwayEntry {
  readonly copies: readonly AwayCopy[] | undefined;
  readonly storeRevision: number;
}

/** Its inventory is complete: what it had before is of no interest any more. */
export function toldAnew(state: CoordinatorState, node: NodeId): void {
  state.away.set(node, { copies: undefined, storeRevision: state.away.get(node)?.storeRevision ?? 0 });
}

/** Its link is gone. What an operator asks first after a restart: since when a host has been away, and what it had. */
export function rememberAway(state: CoordinatorState, node: NodeEntry, effects: CoordinatorEffect[]): void {
  const { record, lastSeen, storeRevision, copies } = node;
  const key = nodeKey(record.id);
  if (!state.pendingRecords.has(key)) {
    const seen = { ...record, lastSeen };
    commitRecord(state, key, { type: 'presence', record: seen, expected: storeRevision, failed: false }, effects);
  }
  const before = state.away.get(record.id);
  // A link that ended before it had told everything leaves what was kept before.
  if (!before || before.copies !== undefined) return;
  state.away.set(record.id, { ...before, copies: boundedCopies(copies.values()) });
  copies.clear();
  commitAwayCopies(state, record.id, effects);
}

function commitAwayCopies(state: CoordinatorState, node: NodeId, effects: CoordinatorEffect[]): void {
  const key = copiesKey(node);
  const entry = state.away.get(node);
  if (entry?.copies === undefined || state.pendingRecords.has(key)) return;
  const withheld = state.leases.withheld.get(node);
  const record = { node, copies: entry.copies, withheld: withheld && [...withheld] };
  commitRecord(state, key, { type: 'copies', record, expected: entry.storeRevision, failed: false }, effects);
}

/** They are durable, or another writer was first: the host may have come and gone meanwhile. */
export function settleAwayCopies(
  state: CoordinatorState,
  { node, copies }: { readonly node: NodeId; readonly copies: readonly AwayCopy[] | undefined },
  storeRevision: number,
  effects: CoordinatorEffect[],
): void {
  const entry = state.away.get(node);
  state.away.set(node, { copies: entry?.copies, storeRevision });
  if (entry?.copies !== copies) commitAwayCopies(state, node, effects);
}

/** What a node last had and has not reported on its link since. */
export function awayCopiesOf(
  state: CoordinatorState,
  node: NodeId,
  reported: ReadonlyMap<CopyKey, unknown>,
): AwayCopy[] {
  const kept = state.away.get(node)?.copies ?? [];
  return kept.filter(({ store, profile }) => !reported.has(copyKey(store, profile)));
}

/** A reported copy as it is shown and kept. */
export function awayCopyOf({ observation, verdict, why, seenAt }: ReportedCopy): AwayCopy {
  const { account, store, profile, health, access, refresh, spends, trouble } = observation;
  const spendable = refresh !== undefined;
  return { account, store, profile, verdict, why, health, access, spendable, spends, trouble, seenAt };
}

function boundedCopies(copies: Iterable<ReportedCopy>): AwayCopy[] {
  const kept: AwayCopy[] = [];
  let left = awayCharsMax;
  for (const reported of copies) {
    const copy = awayCopyOf(reported);
    left -= JSON.stringify(copy).length;
    if (left < 0) break;
    kept.push(copy);
  }
  return kept;
}
