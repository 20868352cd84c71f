import { note } from '@authmesh/shared/core/notes';
import type { Position } from '@authmesh/shared/core/position';
import { commitRecord } from './commit.ts';
import type { CoordinatorEffect } from './effect.ts';
import { fleetKey } from './record.ts';
import type { CoordinatorState } from './state.ts';

/**
 * Nodes know more than this store: it was put back from a backup. The next epoch is above all that they report, so
 * that nothing announced from here on can be mistaken for something older. Nothing is judged until it is durable.
 */
export function raiseEpoch(state: CoordinatorState, reported: number, effects: CoordinatorEffect[]): void {
  const pending = state.pendingRecords.get(fleetKey);
  if (pending) {
    // A node may know even more than the one before: once this epoch is durable, it is raised above that one too.
    if (pending.type === 'epoch' && reported > pending.reported) {
      state.pendingRecords.set(fleetKey, { ...pending, reported });
    }
    return;
  }
  const epoch = Math.max(reported, state.fleet.record.epoch) + 1;
  effects.push(note('epoch-raised', { why: `epoch ${epoch}` }));
  commitRecord(
    state,
    fleetKey,
    { type: 'epoch', record: { epoch }, reported, expected: state.fleet.storeRevision, failed: false },
    effects,
  );
}

/** Whether a node's position can only come from a later state of this store. */
export function isAhead(state: CoordinatorState, position: Position, ours: Position | undefined): boolean {
  const { epoch } = state.fleet.record;
  if (position.epoch !== epoch) return position.epoch > epoch;
  return !ours || ours.epoch < epoch || position.revision > ours.revision;
}
