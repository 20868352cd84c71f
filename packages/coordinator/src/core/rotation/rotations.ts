import type { NodeId, Sealed } from '@authmesh/shared/core/identifiers';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';
import type { rotationPhases } from '@authmesh/shared/protocol/rotation';
import { commitRecord } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { rotationsKey } from '../record.ts';
import { secretKeyOf } from '../secrets/secrets.ts';
import type { CoordinatorState } from '../state.ts';

/*
 * The rotation of a secret, phase by phase. Whatever a phase asks of nodes is asked only once the phase is durable, and is asked
 * again of whoever comes back: a coordinator or a node that is killed at any point goes on where it was.
 */

export interface Rotation {
  readonly name: string;
  readonly group?: string | undefined;
  /** Of the last attempt: it rises with each, and is a moment by the coordinator's clock where that is higher. */
  readonly epoch: number;
  readonly phase: (typeof rotationPhases)[number];
  readonly node: NodeId | null;
  readonly since: Instant;
  readonly rotatedAt: Instant;
  /** From `staging` on. */
  readonly value?: Sealed | undefined;
  readonly previous?: Sealed | undefined;
  /** While spreading: who has not said that it has the new one. */
  readonly pending: readonly NodeId[];
  /** Why the last attempt failed, and whether it is unknown which value is accepted since; while switching: why the switch does not come to its end. */
  readonly failed?:
    | { readonly at: Instant; readonly why: string; readonly isUnknown?: boolean | undefined }
    | undefined;
}

/** How they stand in the store. */
export interface RotationsRecord {
  readonly rotations: readonly Rotation[];
}

export interface RotationsState {
  /** By secret, as they are to be; the plain fields assigned. */
  byKey: ReadonlyMap<string, Rotation>;
  /** As they are durable: nothing is asked of anybody before that. */
  durable: ReadonlyMap<string, Rotation>;
  storeRevision: number;
  /** How often each node that can rotate a secret wants to; updated in place. */
  readonly able: Map<string, Map<NodeId, Milliseconds>>;
  /** What was asked of which link, until it is gone; updated in place. */
  readonly asked: Set<string>;
  /** What of it could not be done, and is asked again after a while; updated in place. */
  readonly refused: Set<string>;
  /** Who can take the staged value, by secret; updated in place. */
  readonly staged: Map<string, Set<NodeId>>;
  /** When the `rotations` timer is set for, by the elapsed clock. */
  timerAt?: Milliseconds | undefined;
}

/** As they stand in the store. */
export function createRotations(
  stored: { readonly record: RotationsRecord; readonly storeRevision: number } | undefined,
): RotationsState {
  const byKey = new Map((stored?.record.rotations ?? []).map(one => [secretKeyOf(one), one]));
  return {
    byKey,
    durable: byKey,
    storeRevision: stored?.storeRevision ?? 0,
    able: new Map(),
    asked: new Set(),
    refused: new Set(),
    staged: new Map(),
  };
}

/** Puts a rotation in the place of the one before; it counts when it is durable. */
export function putRotation(state: CoordinatorState, rotation: Rotation, effects: CoordinatorEffect[]): void {
  const { rotations } = state;
  rotations.byKey = new Map(rotations.byKey).set(secretKeyOf(rotation), rotation);
  commitRotations(state, effects);
}

/** Sends them to the store, unless they are on their way. */
export function commitRotations(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  const { byKey, storeRevision } = state.rotations;
  if (state.pendingRecords.has(rotationsKey)) return;
  const record: RotationsRecord = { rotations: [...byKey.values()] };
  commitRecord(state, rotationsKey, { type: 'rotations', record, expected: storeRevision, failed: false }, effects);
}

/** It ends here: what was made is dropped, and nothing is to be changed by it any more. */
export function failRotation(
  state: CoordinatorState,
  rotation: Rotation,
  why: string,
  at: Instant,
  effects: CoordinatorEffect[],
  isUnknown?: true,
): void {
  state.rotations.staged.delete(secretKeyOf(rotation));
  const { name, group, epoch, node, rotatedAt } = rotation;
  const failed = { at, why: why.slice(0, 500), isUnknown };
  putRotation(
    state,
    { name, group, epoch, node, rotatedAt, phase: 'resting', since: at, pending: [], failed },
    effects,
  );
  const entry = { at, action: 'rotation-failed', node: node ?? undefined, details: `${name} #${epoch}: ${failed.why}` };
  effects.push({ type: 'audit', entry });
}
