import type { NodeId, StoreId } from '@authmesh/shared/core/identifiers';
import type { AccountRecord } from './record.ts';

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
