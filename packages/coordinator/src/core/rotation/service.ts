import type { NodeId } from '@authmesh/shared/core/identifiers';
import { hasPassed, hour, type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import type { Question } from '@authmesh/shared/protocol/question';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import type { CoordinatorEffect } from '../effect.ts';
import { secretKeyOf } from '../secrets/secrets.ts';
import type { CoordinatorState, Session } from '../state.ts';
import { commitRotations, failRotation, putRotation, type Rotation, type RotationsRecord } from './rotations.ts';
import { answerMs, pursueRotations, releaseRotations, switchIfStaged } from './steps.ts';

/** A rotation that failed is tried again by itself after so long. */
const retryMs: Milliseconds = hour;
/** Whoever could not take the new value is asked again so often. */
const againMs: Milliseconds = minute;
export const rotationsMax = 200;

/** A node told its secrets: what it can rotate, and that it is there for whatever waits for it. */
export function rotatesTold(
  state: CoordinatorState,
  node: NodeId,
  { rotates = [] }: Extract<UpMessage, { type: 'secrets' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { able } = state.rotations;
  for (const nodes of able.values()) nodes.delete(node);
  for (const { name, group, everyMs } of rotates) {
    const key = secretKeyOf({ name, group });
    const nodes = able.get(key) ?? new Map<NodeId, Milliseconds>();
    able.set(key, nodes.set(node, everyMs));
    // It is not rotated as soon as somebody says that it is to be.
    if (!state.rotations.byKey.has(key) && state.rotations.byKey.size < rotationsMax) {
      const fresh: Rotation = {
        name,
        group,
        epoch: 0,
        phase: 'resting',
        node: null,
        since: at,
        rotatedAt: at,
        pending: [],
      };
      putRotation(state, fresh, effects);
    }
  }
  releaseRotations(state, at, effects);
  pursueRotations(state, effects);
  scheduleRotations(state, effects);
}

/** An operator wants a new value now. */
export function rotateNow(
  state: CoordinatorState,
  session: Session,
  { name, group }: Extract<Question, { type: 'rotate' }>,
  at: Instant,
  effects: CoordinatorEffect[],
): AnswerBody {
  const refuse = (code: string, message: string): AnswerBody => ({ type: 'problem', code, message });
  const key = secretKeyOf({ name, group });
  const rotation = state.rotations.byKey.get(key);
  if (!rotation)
    return refuse('ERR_NOT_FOUND', `no host can rotate ${name}: \`rotate\` beside the secret in agent.json says how`);
  if (rotation.phase !== 'resting') return refuse('ERR_BUSY', `${name} is being rotated already (${rotation.phase})`);
  const begun = begin(state, key, rotation, at, effects);
  if (!begun) return refuse('ERR_NOT_FOUND', `every host that can rotate ${name} is away`);
  effects.push({ type: 'audit', entry: { at, action: 'rotate', node: session.node, details: name } });
  return { type: 'rotating', ...begun };
}

/** The lease of one node on it, where one that can is connected. */
function begin(
  state: CoordinatorState,
  key: string,
  rotation: Rotation,
  at: Instant,
  effects: CoordinatorEffect[],
): { readonly node: string; readonly epoch: number } | undefined {
  for (const node of state.rotations.able.get(key)?.keys() ?? []) {
    const entry = state.nodes.get(node);
    if (entry?.link === undefined) continue;
    const { name, group, rotatedAt } = rotation;
    // Above whatever a store that was put back from a backup has forgotten.
    const epoch = Math.max(rotation.epoch + 1, at);
    putRotation(state, { name, group, epoch, node, rotatedAt, phase: 'making', since: at, pending: [] }, effects);
    scheduleRotations(state, effects);
    return { node: entry.record.name, epoch };
  }
  return undefined;
}

/** They are durable, or another writer was first: then they are written again. */
export function settleRotations(
  state: CoordinatorState,
  record: RotationsRecord | undefined,
  storeRevision: number,
  effects: CoordinatorEffect[],
): void {
  const { rotations } = state;
  rotations.storeRevision = storeRevision;
  if (record) rotations.durable = new Map(record.rotations.map(one => [secretKeyOf(one), one]));
  const isNews = [...rotations.byKey].some(([key, rotation]) => rotations.durable.get(key) !== rotation);
  if (isNews) commitRotations(state, effects);
  pursueRotations(state, effects);
  scheduleRotations(state, effects);
}

/** A node is gone: before the switch the rotation ends with it, after it the node is waited for. */
export function rotationLinkLost(
  state: CoordinatorState,
  { node, link }: Session,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  for (const key of [...state.rotations.asked]) if (key.startsWith(`[${link},`)) state.rotations.asked.delete(key);
  for (const [key, rotation] of state.rotations.byKey) {
    const isBefore = rotation.phase === 'making' || rotation.phase === 'staging';
    if (isBefore && rotation.node === node)
      failRotation(state, rotation, 'the host that rotates it went away before the switch', at, effects);
    // Whoever goes away while it is staged gets it when it is back.
    else if (rotation.phase === 'staging') switchIfStaged(state, key, at, effects);
  }
}

/** The coordinator has started: what it had not brought to the switch is not known to be ready. */
export function beginRotations(state: CoordinatorState, at: Instant, effects: CoordinatorEffect[]): void {
  for (const rotation of state.rotations.byKey.values())
    if (rotation.phase === 'making' || rotation.phase === 'staging')
      failRotation(state, rotation, 'the coordinator was started again before the switch', at, effects);
}

/** Time has passed: begins what is due, gives up what was not answered, asks again who could not take it. */
export function rotationsDue(state: CoordinatorState, at: Instant, effects: CoordinatorEffect[]): void {
  const { rotations } = state;
  rotations.timerAt = undefined;
  for (const key of rotations.refused) rotations.asked.delete(key);
  rotations.refused.clear();
  for (const [key, stood] of rotations.byKey) {
    const rotation = datedBy(stood, at);
    if (rotation !== stood) putRotation(state, rotation, effects);
    const { phase, since } = rotation;
    if (phase === 'resting' && at >= dueAt(state, key, rotation)) begin(state, key, rotation, at, effects);
    else if ((phase === 'making' || phase === 'staging') && hasPassed(since, answerMs, at))
      failRotation(state, rotation, `a host did not answer before the switch (${phase})`, at, effects);
  }
  pursueRotations(state, effects);
  scheduleRotations(state, effects);
}

/** What a clock that was ahead has dated counts from now on: it would wait for that clock otherwise. */
function datedBy(rotation: Rotation, at: Instant): Rotation {
  const { rotatedAt, failed } = rotation;
  if (rotatedAt <= at && (!failed || failed.at <= at)) return rotation;
  const told = failed && { ...failed, at: Math.min(failed.at, at) };
  return { ...rotation, rotatedAt: Math.min(rotatedAt, at), failed: told };
}

function dueAt({ rotations, nodes }: CoordinatorState, key: string, { rotatedAt, failed }: Rotation): Instant {
  const every = [...(rotations.able.get(key) ?? [])].filter(([node]) => nodes.get(node)?.link !== undefined);
  if (every.length === 0) return Number.POSITIVE_INFINITY;
  const due = rotatedAt + Math.min(...every.map(([, everyMs]) => everyMs));
  return failed ? Math.max(due, failed.at + retryMs) : due;
}

/** When time alone changes something next. */
export function scheduleRotations(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  const { rotations, at, elapsed } = state;
  let next = Number.POSITIVE_INFINITY;
  for (const [key, rotation] of rotations.byKey) {
    const { phase, since } = rotation;
    if (phase === 'resting') next = Math.min(next, dueAt(state, key, rotation));
    else if (phase === 'making' || phase === 'staging') next = Math.min(next, since + answerMs);
    else if (rotations.refused.size > 0) next = Math.min(next, at + againMs);
  }
  // A timer takes no longer time than this.
  const delayMs = Math.min(Math.max(0, next - at), 24 * hour);
  const isSooner = rotations.timerAt === undefined || elapsed + delayMs < rotations.timerAt;
  if (!Number.isFinite(next) || !isSooner) return;
  rotations.timerAt = elapsed + delayMs;
  effects.push({ type: 'set-timer', timer: 'rotations', delayMs });
}
