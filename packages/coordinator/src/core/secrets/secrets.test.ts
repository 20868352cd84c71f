import type { Found, SecretReading } from '@authmesh/shared/core/secret-reading';
import { minute } from '@authmesh/shared/core/time';
import { expect, it } from 'vitest';
import { answers, createScene, founder, guest, notes, only, print, type Scene, start } from '../coordinator-scene.ts';
import type { CoordinatorEvent } from '../event.ts';
import { nodeKey, type SecretsRecord, secretsKey } from '../record.ts';

const value = (digit: string): Found => ({ state: 'read', exact: print(digit), loose: print(digit), forms: [] });
const reading = (found: Found, more: Partial<SecretReading> = {}): SecretReading => ({
  name: 'INTERNAL_AUTH_SECRET',
  source: '/srv/.env',
  kind: 'stored',
  found,
  ...more,
});
const told = (link: number, readings: readonly SecretReading[], keyEpoch = 1): CoordinatorEvent => ({
  type: 'frame-received',
  link,
  message: { type: 'secrets', keyEpoch, readings },
});

function connected(scene = createScene()): Scene {
  scene.connect(1, founder);
  scene.connect(2, guest);
  return scene;
}

function drift(scene: Scene) {
  const [body] = answers(scene.ask(1, { type: 'drift' }));
  if (body?.type !== 'overview') throw new Error('no overview came');
  return body.drift;
}

it('compares what two hosts tell, and says since when they differ', () => {
  const scene = connected();
  scene.through(told(1, [reading(value('a'))]));
  expect(drift(scene)).toMatchObject([{ state: 'alone', declared: 1 }]);
  scene.through(told(2, [reading(value('a'))]));
  expect(drift(scene)).toMatchObject([{ state: 'equal', since: null, groups: [{ nodes: ['pc-a', 't440'] }] }]);
  scene.pass(minute);
  expect(notes(scene.through(told(2, [reading(value('b'))])))).toEqual(['secret-drifted']);
  scene.pass(minute);
  // Told again, it is no news.
  expect(scene.through(told(2, [reading(value('b'))]))).toEqual([]);
  expect(drift(scene)).toMatchObject([{ state: 'differs', since: start + minute }]);
  expect(notes(scene.through(told(2, [reading(value('a'))])))).toEqual(['secret-equal']);
});

it('forgets over a restart neither what a host told nor since when', () => {
  const scene = connected();
  scene.through(told(1, [reading(value('a'))]));
  scene.pass(minute);
  const effects = scene.through(told(2, [reading(value('b'))]));
  const [kept] = only(effects, 'compare-and-set').flatMap(({ key, value: record }) =>
    key === secretsKey(guest) ? [record as SecretsRecord] : [],
  );
  const again = createScene({
    secrets: kept ? [{ record: JSON.parse(JSON.stringify(kept)) as SecretsRecord, storeRevision: 3 }] : [],
  });
  again.connect(1, founder);
  again.pass(10 * minute);
  again.through(told(1, [reading(value('a'))]));
  expect(drift(again)).toMatchObject([{ state: 'differs', away: ['t440'], since: start + 10 * minute }]);
  again.connect(2, guest);
  again.through(told(2, [reading(value('b'))]));
  expect(again.state().secrets.told.get(guest)?.record.readings).toMatchObject([{ since: start + minute }]);
});

it('writes what was told last, whatever was being written', () => {
  const scene = connected();
  const [first] = only(scene.tell(told(2, [reading(value('a'))])), 'compare-and-set');
  expect(only(scene.tell(told(2, [reading(value('b'))])), 'compare-and-set')).toEqual([]);
  const [second] = only(scene.persist(secretsKey(guest)), 'compare-and-set');
  expect([first?.expected, second?.value]).toMatchObject([0, { readings: [{ found: value('b') }] }]);
  expect(second?.expected).toBeGreaterThan(0);
  // Another coordinator on the same store was first.
  const conflict = {
    type: 'persist-conflicted',
    key: secretsKey(guest),
    value: first?.value,
    storeRevision: 500,
  } as const;
  expect(only(scene.tell(conflict), 'compare-and-set')).toMatchObject([{ expected: 500, value: second?.value }]);
});

it('compares by name within a group, and a source at the place that it stands for', () => {
  const scene = connected();
  scene.through(told(1, [reading(value('a')), reading(value('b'), { place: 'railway' })]));
  scene.through(told(2, [reading(value('c'), { group: 'staging' }), reading(value('d'), { name: 'OTHER' })]));
  expect(
    drift(scene).map(({ name, group, state, groups }) => [name, group, state, groups.map(({ nodes }) => nodes)]),
  ).toEqual([
    ['INTERNAL_AUTH_SECRET', 'staging', 'alone', [['t440']]],
    ['INTERNAL_AUTH_SECRET', undefined, 'differs', [['pc-a'], ['railway']]],
    ['OTHER', undefined, 'alone', [['t440']]],
  ]);
});

it('calls the readings of an older key of the fleet unreadable', () => {
  const scene = connected();
  scene.through(told(1, [reading(value('a'))], 2));
  scene.through(told(2, [reading(value('a'))], 1));
  expect(drift(scene)).toMatchObject([{ state: 'unreadable', compared: 1, unreadable: [{ node: 't440' }] }]);
});

it('compares no more what a host does not declare any more, or took along when it left', () => {
  const scene = connected();
  scene.through(told(1, [reading(value('a'))]));
  scene.through(told(2, [reading(value('b'))]));
  scene.ask(2, { type: 'leave', keeps: [] });
  const effects = scene.persist(nodeKey(guest));
  expect(drift(scene)).toMatchObject([{ state: 'alone', declared: 1 }]);
  expect(only(effects, 'compare-and-set')).toMatchObject([{ key: secretsKey(guest), value: { readings: [] } }]);
  scene.through(told(1, []));
  expect(drift(scene)).toEqual([]);
});

it('keeps nothing of a host that has never had a secret to compare', () => {
  const scene = connected();
  expect(scene.tell(told(1, []))).toEqual([]);
});
