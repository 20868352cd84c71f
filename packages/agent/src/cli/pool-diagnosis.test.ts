import { createScene, holds, seen, store } from '@authmesh/agent/core/agent-scene';
import type { PoolView } from '@authmesh/shared/protocol/permit';
import { describe, expect, it } from 'vitest';
import { diagnosePools } from './pool-diagnosis.ts';

const web: PoolView = {
  name: 'web',
  match: ['xai*'],
  limit: 4,
  live: 4,
  recovering: 0,
  waiting: 0,
  etaMs: 0,
  settleMs: 20_000,
  phase: 'steady',
};

function findings(sessions: number, pool: PoolView, healthCommands = false) {
  const scene = createScene({ healthCommands, layout: new Map([[store, { sessions, fallback: store }]]) });
  scene.tell(holds(seen('1')));
  return diagnosePools(scene.state(), [pool]);
}

describe(diagnosePools, () => {
  it('says where a store alone is above the limit of its pool, and what mends it', () => {
    expect(findings(4, web)).toEqual([]);
    const [finding, ...more] = findings(9, web);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ name: 'pool', state: 'problem' });
    expect(finding?.found).toContain('wakes 9 sessions, and pool web lets 4');
    expect(finding?.mend).toContain('`openclaw config set agents.defaults.maxConcurrent 4`');
  });

  it('says where a health command is named and not allowed here', () => {
    const checked = { ...web, healthCommand: 'openclaw health' };
    expect(findings(1, checked)).toMatchObject([{ state: 'notice', mend: expect.stringContaining('healthCommands') }]);
    expect(findings(1, checked, true)).toEqual([]);
    expect(findings(1, { ...checked, match: ['openai*'] })).toEqual([]);
  });
});
