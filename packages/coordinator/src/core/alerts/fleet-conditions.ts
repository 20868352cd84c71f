import type { Condition } from '@authmesh/shared/core/alerts/incident';
import { driftFaults } from '@authmesh/shared/core/drift-words';
import type { NodeId } from '@authmesh/shared/core/identifiers';
import { hasPassed, type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import { poolViews } from '../pool/view.ts';
import type { Rotation } from '../rotation/rotations.ts';
import { driftOf } from '../secrets/secrets.ts';
import { driftView } from '../secrets/view.ts';
import type { CoordinatorState } from '../state.ts';

/** A rotation that takes longer than this is told. */
const rotationMsMax: Milliseconds = 2 * minute;

/** Secrets that are not the same everywhere. */
export function* secretConditions(state: CoordinatorState, at: Instant): Generator<Condition> {
  for (const key of new Set([...state.secrets.bySecret.keys(), ...state.rotations.byKey.keys()])) {
    const drift = driftOf(state, key);
    const rotation = state.rotations.byKey.get(key);
    if (rotation?.failed || isRotationLate(rotation, at)) yield rotationCondition(state, rotation);
    // While a new value is on its way to all, they differ.
    const isOnItsWay = rotation && rotation.phase !== 'resting' && !isRotationLate(rotation, at);
    if (!drift || drift.state === 'equal' || drift.state === 'alone' || isOnItsWay) continue;
    const view = driftView(state, key, drift);
    const { name, group } = view;
    const unreadable = view.unreadable.map(({ why, ...place }) => ({ ...place, reason: why }));
    const [first, ...others] = driftFaults(name, { ...view, unreadable });
    if (!first) continue;
    const secret = group === undefined ? name : `${name} (${group})`;
    const isUnread = drift.state === 'unreadable';
    yield {
      id: `secret/${secret}`,
      kind: 'drift',
      severity: isUnread ? 'warning' : 'critical',
      what: `${secret} ${first.verb}${first.detail}`,
      why: others.map(({ verb, detail }) => `it ${verb}${detail}`).join('; '),
      where: [first, ...others].flatMap(({ where }) => where),
      since: drift.since ?? Math.min(at, ...drift.unreadable.map(({ since }) => since)),
      breaks: isUnread
        ? 'nobody would see it differ there'
        : 'whoever checks it against another value turns the others away (401, 403)',
      mend: first.mend,
    };
  }
}

/** Past the switch it ends only when everybody has the new value, whenever that is. */
function isRotationLate(rotation: Rotation | undefined, at: Instant): rotation is Rotation {
  return rotation !== undefined && rotation.phase !== 'resting' && hasPassed(rotation.since, rotationMsMax, at);
}

function rotationCondition({ nodes }: CoordinatorState, rotation: Rotation): Condition {
  const { name, group, node, pending, phase, since, failed } = rotation;
  const secret = group === undefined ? name : `${name} (${group})`;
  // One that has left has no name any more.
  const namesOf = (...ids: readonly NodeId[]) => ids.flatMap(id => nodes.get(id)?.record.name ?? []);
  const isSpreading = phase === 'spreading';
  const isOver = failed !== undefined && phase === 'resting';
  const isUnknown = phase === 'switching' || failed?.isUnknown === true;
  return {
    id: `secret/${secret}`,
    kind: 'rotation-failed',
    severity: isUnknown ? 'critical' : 'warning',
    what: isOver ? `${secret} was not rotated` : `the rotation of ${secret} has not come to its end (${phase})`,
    why: failed?.why ?? (isSpreading ? `${namesOf(...pending).join(', ')} still have the old value` : ''),
    where: isSpreading ? namesOf(...pending) : node === null ? [] : namesOf(node),
    since: failed?.at ?? since,
    breaks:
      isOver && !isUnknown ? 'nothing: its value is the one before' : 'whoever has the other value is turned away',
    mend:
      isUnknown && isOver
        ? `see which value is accepted, and give it to all: authmesh-agent secret push ${name} --from HOST`
        : isOver
          ? `mend what it says, then authmesh-agent secret rotate ${name}`
          : 'mend what it says, and bring the hosts that it names back: it goes on by itself',
  };
}

/** Hosts that have been away for longer than they may. */
export function* nodeConditions({ nodes, alerts }: CoordinatorState, at: Instant): Generator<Condition> {
  const { startedAt, incidents, terms } = alerts;
  for (const { record, link, lastSeen } of nodes.values()) {
    if (link !== undefined) continue;
    const id = `node/${record.name}`;
    const since = lastSeen ?? record.joinedAt;
    // Whoever was told before this start has still to come back; whoever was not gets the time to.
    const isKnown = incidents.get(id)?.state === 'open';
    const isEarly = !hasPassed(since, terms.nodeSilentMs, at) || !hasPassed(startedAt, terms.nodeSilentMs, at);
    if (!isKnown && isEarly) continue;
    yield {
      id,
      kind: 'node-silent',
      severity: 'warning',
      what: `${record.name} is silent`,
      why: 'its agent is not connected',
      where: [record.name],
      since,
      breaks: 'its stores get no fresher logins',
      mend: `on ${record.name}: authmesh-agent doctor; a host that is gone for good: authmesh-agent leave, there`,
    };
  }
}

/** Recoveries that were stopped. */
export function* poolConditions(state: CoordinatorState, at: Instant): Generator<Condition> {
  for (const { name, phase, why, waiting } of poolViews(state.pools, state.elapsed)) {
    if (phase !== 'halted' && phase !== 'closed') continue;
    yield {
      id: `pool/${name}`,
      kind: 'wave-halted',
      severity: 'critical',
      what:
        phase === 'closed' ? `pool ${name} is closed: its quota is used up` : `the recovery of pool ${name} is halted`,
      why: why ?? '',
      where: [],
      since: at,
      breaks: waiting > 0 ? 'sessions wait to come back' : 'nothing comes back in this pool',
      mend: 'authmesh-agent status says what was seen; it goes on by itself once it works again',
    };
  }
}

/** The coordinator's own troubles. */
export function* coordinatorConditions(
  { pendingRecords, accounts }: CoordinatorState,
  at: Instant,
): Generator<Condition> {
  const isRefused =
    [...pendingRecords.values()].some(({ failed }) => failed) ||
    [...accounts.values()].some(one => one.pending?.failed);
  if (isRefused) {
    yield {
      id: 'coordinator',
      kind: 'store-refused',
      severity: 'critical',
      what: 'the coordinator’s store takes no writes',
      why: '',
      where: [],
      since: at,
      breaks: 'no newer login is taken up or told',
      mend: 'authmesh-coordinator status names the cause: a full or read-only disk, most of the time',
    };
  }
}
