import type { NodeId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import { commitRecord } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { inviteKey } from './record.ts';
import type { CoordinatorState } from './state.ts';

/**
 * Takes the fleet's sealed secrets out of join codes that have expired: whoever finds an old code and gets the
 * coordinator's disk shall open nothing with both. Until it expires a code keeps them, for a join whose answer was lost.
 */
export function eraseExpired(state: CoordinatorState, at: Instant, effects: CoordinatorEffect[]): void {
  for (const { record, storeRevision } of state.invites.values()) {
    const key = inviteKey(record.id);
    if (record.sealed === null || record.expiresAt === null || record.expiresAt > at) continue;
    if (state.pendingRecords.has(key)) continue;
    const erased = { ...record, sealed: null };
    commitRecord(state, key, { type: 'erasure', record: erased, expected: storeRevision, failed: false }, effects);
  }
}

/** The join codes of a node that left admit nobody any more; `eraseExpired` takes their secrets. */
export function endInvitesOf({ invites }: CoordinatorState, node: NodeId, at: Instant): void {
  for (const [id, entry] of invites) {
    const { createdBy, expiresAt } = entry.record;
    if (createdBy !== node || (expiresAt !== null && expiresAt <= at)) continue;
    invites.set(id, { ...entry, record: { ...entry.record, expiresAt: at } });
  }
}
