import type { NodeId } from '@authmesh/shared/core/identifiers';
import type { DriftView } from '@authmesh/shared/protocol/secrets';
import type { CoordinatorState } from '../state.ts';

const nodesNamed = 20;

/** How the rotation of a secret stands, where anybody can rotate it or has. */
export function rotationViewOf({ rotations, nodes }: CoordinatorState, key: string): DriftView['rotation'] {
  const rotation = rotations.byKey.get(key);
  if (!rotation) return undefined;
  const { epoch, phase, node, since, rotatedAt, pending, failed } = rotation;
  const nameOf = (id: NodeId) => nodes.get(id)?.record.name;
  return {
    ...{ epoch, phase, since, rotatedAt, failed },
    node: node === null ? null : (nameOf(node) ?? null),
    pending: pending.flatMap(one => nameOf(one) ?? []).slice(0, nodesNamed),
  };
}
