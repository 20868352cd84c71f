import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaults } from '@authmesh/agent/core/agent-scene';
import type { StoreId } from '@authmesh/shared/core/identifiers';
import { expect, it } from 'vitest';
import type { StateDirectory } from './state-directory.ts';
import { layoutOf } from './store-layout.ts';

it('counts for a store what all agents open whose stores are links to one file', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'authmesh-layout-'));
  const storeOf = (id: string) => join(stateDir, 'agents', id, 'agent', 'auth-profiles.json') as StoreId;
  for (const id of ['main', 'work', 'night', 'idle'])
    mkdirSync(join(stateDir, 'agents', id, 'agent'), { recursive: true });
  for (const id of ['main', 'work']) writeFileSync(storeOf(id), '{}');
  symlinkSync(storeOf('work'), storeOf('night'));
  const agents = ['main', 'work', 'night', 'idle'].map(id => ({ id, store: storeOf(id), isPresent: id !== 'idle' }));
  const directory: StateDirectory = { stateDir, generation: 'json', gatewaySees: 'all', agents, foreign: [] };
  const layout = layoutOf({ ...defaults, sessions: { night: 3 } }, [directory]);
  const alone = { sessions: 1, together: undefined, fallback: storeOf('main'), noHold: undefined };
  expect(layout.get(storeOf('main'))).toMatchObject(alone);
  expect(layout.get(storeOf('idle'))).toMatchObject(alone);
  for (const [id, sessions] of [
    ['work', 1],
    ['night', 3],
  ] as const) {
    const shared = { sessions, together: 4, noHold: expect.stringContaining('of 2 agents') };
    expect(layout.get(storeOf(id))).toMatchObject(shared);
  }
});
