import type { Sealed } from '@authmesh/shared/core/identifiers';
import type { SecretReading } from '@authmesh/shared/core/secret-reading';
import { day } from '@authmesh/shared/core/time';
import type { RotationReport } from '@authmesh/shared/protocol/rotation';
import { createScene, founder, guest, only, print, type Scene } from '../coordinator-scene.ts';
import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorEvent } from '../event.ts';
import type { RotationsRecord } from './rotations.ts';

export const name = 'KEY';
export const [value, previous] = ['bmV3', 'b2xk'] as [Sealed, Sealed];
const found = { state: 'read', exact: print('a'), loose: print('a'), forms: [] } as const;
const readings: SecretReading[] = [{ name, source: '/srv/.env', kind: 'stored', found }];
export const frame = (link: number, message: Extract<CoordinatorEvent, { type: 'frame-received' }>['message']) =>
  ({ type: 'frame-received', link, message }) as const;
export const told = (link: number, everyMs?: number) =>
  frame(link, {
    type: 'secrets',
    keyEpoch: 1,
    readings,
    rotates: everyMs === undefined ? undefined : [{ name, everyMs }],
  });

/** A holder that rotates the secret each day on link 1, and another host that has it on link 2. */
export function fleet(stored: Parameters<typeof createScene>[0] = {}): Scene {
  const scene = createScene(stored);
  scene.tell({ type: 'started' });
  scene.connect(1, founder);
  scene.connect(2, guest);
  scene.through(told(1, day));
  scene.through(told(2));
  return scene;
}

export const rotation = (scene: Scene) => [...scene.state().rotations.byKey.values()][0];
export const asked = (effects: readonly CoordinatorEffect[]) =>
  only(effects, 'send').flatMap(({ link, message }) =>
    message.type === 'rotation-order' ? [[link, message.step]] : [],
  );

export function report(scene: Scene, link: number, step: RotationReport['step'], more: Partial<RotationReport> = {}) {
  const { epoch = 0 } = rotation(scene) ?? {};
  return scene.through(frame(link, { type: 'rotation-report', name, epoch, step, ...more }));
}
/** An operator's wish, until it is durable. */
export function begin(scene: Scene): readonly CoordinatorEffect[] {
  return scene.through(frame(2, { type: 'ask', request: 1, question: { type: 'rotate', name } }));
}
export function upTo(scene: Scene, step: 'stage' | 'switch' | 'apply'): readonly CoordinatorEffect[] {
  begin(scene);
  let effects = report(scene, 1, 'make', { value, previous });
  if (step !== 'stage') effects = report(scene, 2, 'stage');
  if (step === 'apply') effects = report(scene, 1, 'switch');
  return effects;
}
/** What the store has of it, for a coordinator that is started again. */
export function stored(scene: Scene): { record: RotationsRecord; storeRevision: number } {
  const record = { rotations: [...scene.state().rotations.durable.values()] };
  return { record: JSON.parse(JSON.stringify(record)) as RotationsRecord, storeRevision: 7 };
}
