import type { NodeId } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { RotationReport } from '@authmesh/shared/protocol/rotation';
import type { CoordinatorEffect } from '../effect.ts';
import type { LinkId } from '../event.ts';
import { secretKeyOf } from '../secrets/secrets.ts';
import type { CoordinatorState, Session } from '../state.ts';
import { failRotation, putRotation, type Rotation } from './rotations.ts';

/** What nobody has answered in this time was not done: before the switch that undoes it. */
export const answerMs: Milliseconds = 40 * second;

/** Asks every connected node for what the durable phases want of it, once on each link. */
export function pursueRotations(state: CoordinatorState, effects: CoordinatorEffect[]): void {
  for (const rotation of state.rotations.durable.values()) {
    const { phase, node, pending } = rotation;
    if (phase === 'making' && node !== null) ask(state, rotation, 'make', node, effects);
    else if (phase === 'staging')
      for (const other of othersOf(state, rotation)) ask(state, rotation, 'stage', other, effects);
    else if (phase === 'switching' && node !== null) ask(state, rotation, 'switch', node, effects);
    else if (phase === 'spreading') for (const other of pending) ask(state, rotation, 'apply', other, effects);
  }
}

function ask(
  { nodes, rotations }: CoordinatorState,
  { name, group, epoch, value, previous }: Rotation,
  step: RotationReport['step'],
  node: NodeId,
  effects: CoordinatorEffect[],
): void {
  const link = nodes.get(node)?.link;
  const key = askedKey(link, { name, group, epoch, step });
  if (link === undefined || rotations.asked.has(key)) return;
  rotations.asked.add(key);
  const carried = step === 'make' ? {} : step === 'switch' ? { value, previous } : { value };
  effects.push({ type: 'send', link, message: { type: 'rotation-order', name, group, epoch, step, ...carried } });
}

type Asked = Pick<RotationReport, 'name' | 'group' | 'epoch' | 'step'>;

/** Names what was asked of a link. */
function askedKey(link: LinkId | undefined, { name, group, epoch, step }: Asked): string {
  return JSON.stringify([link, name, group, epoch, step]);
}

/** Nodes besides the one that rotates it that have the secret; of those that are away only the last step is asked. */
function othersOf({ secrets }: CoordinatorState, rotation: Rotation): NodeId[] {
  return [...(secrets.bySecret.get(secretKeyOf(rotation))?.keys() ?? [])].filter(node => node !== rotation.node);
}

/** A node has done what was asked of it, or could not. */
export function rotationReported(
  state: CoordinatorState,
  { node, link }: Session,
  report: RotationReport,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const key = secretKeyOf(report);
  const rotation = state.rotations.byKey.get(key);
  if (!rotation || rotation.epoch !== report.epoch) return;
  const name = state.nodes.get(node)?.record.name ?? 'a node that is gone';
  switch (report.step) {
    case 'make':
      if (rotation.phase !== 'making' || rotation.node !== node) return;
      if (report.value === undefined)
        return failRotation(state, rotation, `${name} made no value: ${report.why}`, at, effects);
      state.rotations.staged.set(key, new Set());
      putRotation(
        state,
        { ...rotation, phase: 'staging', since: at, value: report.value, previous: report.previous },
        effects,
      );
      return switchIfStaged(state, key, at, effects);
    case 'stage':
      if (rotation.phase !== 'staging') return;
      if (report.why !== undefined)
        return failRotation(state, rotation, `${name} cannot take a new value: ${report.why}`, at, effects);
      state.rotations.staged.get(key)?.add(node);
      return switchIfStaged(state, key, at, effects);
    case 'switch':
      if (rotation.phase !== 'switching' || rotation.node !== node) return;
      if (report.isStuck) {
        // Which value is accepted is not known: both stay here, and it is asked again.
        state.rotations.refused.add(askedKey(link, report));
        return putRotation(state, { ...rotation, failed: { at, why: report.why ?? 'it says nothing' } }, effects);
      }
      if (report.why !== undefined)
        return failRotation(state, rotation, `${name} could not switch, and went back: ${report.why}`, at, effects);
      return spread(state, rotation, at, effects);
    case 'apply':
      if (rotation.phase !== 'spreading') return;
      if (report.why === undefined) return taken(state, rotation, node, at, effects);
      state.rotations.refused.add(askedKey(link, report));
      return;
    default:
      report.step satisfies never;
  }
}

/** Everybody who is there has said that it can take it: from here on there is no way back but the switch itself. */
export function switchIfStaged(state: CoordinatorState, key: string, at: Instant, effects: CoordinatorEffect[]): void {
  const rotation = state.rotations.byKey.get(key);
  if (rotation?.phase !== 'staging') return;
  const ready = state.rotations.staged.get(key);
  const isReady = (node: NodeId) => ready?.has(node) || state.nodes.get(node)?.link === undefined;
  if (!ready || !othersOf(state, rotation).every(isReady)) return;
  state.rotations.staged.delete(key);
  putRotation(state, { ...rotation, phase: 'switching', since: at }, effects);
}

function spread(state: CoordinatorState, rotation: Rotation, at: Instant, effects: CoordinatorEffect[]): void {
  const { name, epoch, node } = rotation;
  const pending = othersOf(state, rotation);
  const details = `${name} #${epoch}`;
  effects.push({ type: 'audit', entry: { at, action: 'rotated', node: node ?? undefined, details } });
  const next: Rotation = { ...rotation, phase: 'spreading', since: at, rotatedAt: at, pending, failed: undefined };
  putRotation(state, pending.length > 0 ? next : rested(next, at), effects);
}

/** Whoever has left, or has the secret no more, is waited for no longer. */
export function releaseRotations(state: CoordinatorState, at: Instant, effects: CoordinatorEffect[]): void {
  for (const rotation of state.rotations.byKey.values()) {
    const others = new Set(othersOf(state, rotation));
    const gone = rotation.pending.filter(node => !state.nodes.has(node) || !others.has(node));
    for (const node of rotation.phase === 'spreading' ? gone : []) {
      const latest = state.rotations.byKey.get(secretKeyOf(rotation));
      if (latest) taken(state, latest, node, at, effects);
    }
    if (
      rotation.phase !== 'resting' &&
      rotation.phase !== 'spreading' &&
      rotation.node &&
      !state.nodes.has(rotation.node)
    )
      failRotation(
        state,
        rotation,
        'the host that rotates it left the fleet, with whichever value it has',
        at,
        effects,
        rotation.phase === 'switching' || undefined,
      );
  }
}

function taken(
  state: CoordinatorState,
  rotation: Rotation,
  node: NodeId,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const pending = rotation.pending.filter(one => one !== node);
  if (pending.length === rotation.pending.length) return;
  const next = { ...rotation, pending };
  putRotation(state, pending.length > 0 ? next : rested(next, at), effects);
}

/** Everybody has it: the values are of no use any more. */
function rested({ name, group, epoch, node, rotatedAt }: Rotation, at: Instant): Rotation {
  return { name, group, epoch, node, rotatedAt, phase: 'resting', since: at, pending: [] };
}
