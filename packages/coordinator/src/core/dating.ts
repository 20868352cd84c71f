import type { Candidate, Held } from '@authmesh/shared/core/lineage';
import { type Instant, minute, shiftExpiry } from '@authmesh/shared/core/time';
import { nextRevision } from './history.ts';
import type { AccountRecord } from './record.ts';
import type { AccountEntry, CoordinatorState, Session } from './state.ts';

/** Two ends that differ by less were reckoned with good clocks. */
const sameEndMs = minute;

/** The ends that one store told are told by one clock: all of them move by the same difference. */
export function withEnd(held: Held, { clockOffsetMs }: Session): Held {
  return held.expiresAt === undefined || clockOffsetMs === 0
    ? held
    : { ...held, expiresAt: shiftExpiry(held.expiresAt, -clockOffsetMs) };
}

/**
 * The record with an earlier end, where the stores of the login's home say so. OpenClaw renews there by those stores' own
 * word; the fleet's end was reckoned with the coordinator's clock of that hour, and where that was ahead, a renewal would
 * look older than the login that it replaces. A later end than it was accepted with is not taken over: by a store whose
 * host's clock was set back a login lives on that has ended. A home whose own clock was wrong leads back as far as that.
 */
export function datedAnew(
  state: CoordinatorState,
  { record }: AccountEntry,
  session: Session,
  { access, refresh }: Candidate,
): AccountRecord | undefined {
  const { current } = record;
  if (!current || current.home !== session.node || current.access !== access || current.refresh !== refresh) {
    return undefined;
  }
  if (refresh === undefined && record.kind === 'oauth') return undefined;
  const word = earliestEnd(state, session, current);
  if (word === undefined) return undefined;
  const acceptedEnd = current.acceptedEnd === undefined ? current.expiresAt : current.acceptedEnd;
  const expiresAt = acceptedEnd !== null && word > acceptedEnd ? acceptedEnd : word;
  if (current.expiresAt !== null && Math.abs(expiresAt - current.expiresAt) <= sameEndMs) return undefined;
  const position = { epoch: state.fleet.record.epoch, revision: nextRevision(record) };
  return { ...record, current: { ...current, position, expiresAt, acceptedEnd } };
}

/** Of several stores of the home the one that ends first is the one that is renewed first. */
function earliestEnd(
  state: CoordinatorState,
  { node, clockOffsetMs }: Session,
  { access, refresh }: Pick<Candidate, 'access' | 'refresh'>,
): Instant | undefined {
  let earliest: Instant | undefined;
  for (const { observation } of state.nodes.get(node)?.copies.values() ?? []) {
    if (observation.health !== 'sound' || observation.access !== access || observation.refresh !== refresh) continue;
    const end = shiftExpiry(observation.expiresAt, -clockOffsetMs);
    if (end !== null && (earliest === undefined || end < earliest)) earliest = end;
  }
  return earliest;
}
