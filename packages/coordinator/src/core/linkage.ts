import type { NodeId, StoreId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { commit } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import type { AccountRecord } from './record.ts';
import type { AccountEntry, CoordinatorState } from './state.ts';
import type { Submission } from './waiting.ts';

/*
 * Where only a profile's name says whose a login is, two hosts, or two agents of one host, may mean different people by
 * it. Such copies count as one account when they were once equal, each by itself, or when an operator says so of a node.
 */

/** The link of a single copy, made when its fingerprint was equal. */
export function copyLink(node: NodeId, store: StoreId): string {
  return `${node}\n${store}`;
}

/** Whether a copy counts as the account's: by an operator's word on its node, or by an equal credential before. */
export function isLinked({ linked }: AccountRecord, node: NodeId, store: StoreId): boolean {
  return linked.includes(node) || linked.includes(copyLink(node, store));
}

/** An operator said that all copies of some nodes are the account's. */
export function linkCopies(
  state: CoordinatorState,
  entry: AccountEntry,
  submission: Extract<Submission, { type: 'link' }>,
  effects: CoordinatorEffect[],
): void {
  const linked = [...new Set([...entry.record.linked, ...submission.nodes])];
  effects.push(note('copies-linked', { account: entry.record.account }));
  commit(
    state,
    entry,
    { record: { ...entry.record, linked }, lineage: entry.lineage, announces: false, cause: submission },
    effects,
  );
}
