import type { NodeRecord } from '@authmesh/coordinator/core/record';
import type { FleetId, InviteId, NodeId } from '@authmesh/shared/core/identifiers';

/** When the members of a simulated fleet joined. */
export const joinedAt = 1_800_000_000_000;

/** 32 hex digits that tell one number from another. */
export const hex = (index: number) => index.toString(16).padStart(8, '0').repeat(4);

export const fleet = hex(0xf0) as FleetId;

/** A member of the fleet, by its number; the first has founded it. */
export function nodeOf(index: number): NodeRecord {
  const id = (index === 0 ? fleet : hex(0xa000 + index)) as string as NodeId;
  const keys = { publicKey: `key ${index}`, boxKey: '', inviteSignature: '' };
  const made = { joinedAt, invite: hex(1) as InviteId, version: '1', lastSeen: null };
  return { id, name: `node-${index}`, ...keys, ...made, invitedBy: index === 0 ? null : (fleet as string as NodeId) };
}
