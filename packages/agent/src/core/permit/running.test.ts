import type { ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { minute, second } from '@authmesh/shared/core/time';
import { expect, it } from 'vitest';
import { account, createScene, only, profile, seen, start } from '../agent-scene.ts';
import { runningSessions } from './running.ts';

const storeOf = (agent: string) => `/home/claw/agents/${agent}/agent/auth-profiles.json` as StoreId;

it('a sign of life says which sessions took a turn within the last minute', () => {
  const used = { main: start - second, work: start - 50 * second, idle: start - minute, ahead: start + second };
  const weights: Readonly<Record<string, number>> = { main: 1, work: 3, idle: 1, ahead: 1 };
  const layout = new Map(
    Object.keys(used).map(agent => [
      storeOf(agent),
      { sessions: weights[agent] ?? 1, fallback: storeOf('main') } as const,
    ]),
  );
  const scene = createScene({ layout });
  for (const [agent, usedAt] of Object.entries(used)) {
    const profiles = [seen('1', { use: { usedAt } })];
    scene.tell({ type: 'store-observed', store: storeOf(agent), seen: { state: 'readable', profiles } });
  }
  scene.connect();
  const beat = () => only(scene.tell({ type: 'timer-fired', timer: 'beat' }), 'send').map(({ message }) => message);
  expect(beat()).toMatchObject([{ type: 'beat', running: [{ account, profile, sessions: 4 }] }]);
  // They were heard meanwhile, but took no turn.
  scene.pass(5 * second);
  expect(beat()).toMatchObject([{ type: 'beat', running: [{ sessions: 5 }] }]);
  scene.pass(15 * second);
  expect(beat()).toMatchObject([{ type: 'beat', running: [{ sessions: 2 }] }]);
});

it('an agent with several logins is at work with the one that it used last', () => {
  const scene = createScene();
  const other = 'xai:second' as ProfileId;
  const profiles = [
    seen('1', { use: { usedAt: start - 40 * second } }),
    seen('2', { profile: other, use: { usedAt: start - 5 * second } }),
  ];
  scene.tell({ type: 'store-observed', store: storeOf('main'), seen: { state: 'readable', profiles } });
  expect(runningSessions(scene.state(), start)).toEqual([{ account, profile: other, sessions: 1 }]);
});
