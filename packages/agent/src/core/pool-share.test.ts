import type { StoreId } from '@authmesh/shared/core/identifiers';
import { second } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import { account, createScene, profile, seen } from './agent-scene.ts';
import { largestShare, poolOfLogin } from './pool-share.ts';

const storeOf = (agent: string) => `/home/claw/agents/${agent}/agent/auth-profiles.json` as StoreId;
const pools = [
  { name: 'web', match: ['xai*'], limit: 4, settleMs: 20 * second },
  { name: 'rest', match: ['*'], limit: 2, settleMs: 5 * second },
];

/** A host whose agents have these weights; those in `holders` have a login of their own. */
function host(weights: Readonly<Record<string, number>>, holders: readonly string[], concurrentMax?: number) {
  const layout = new Map(
    Object.entries(weights).map(
      ([id, sessions]) => [storeOf(id), { sessions, fallback: storeOf('main'), concurrentMax }] as const,
    ),
  );
  const scene = createScene({ layout });
  for (const id of holders) {
    const contents = { state: 'readable', profiles: [seen('1')] } as const;
    scene.tell({ type: 'store-observed', store: storeOf(id), seen: contents });
  }
  return scene.state();
}

describe(largestShare, () => {
  it('counts what hangs on the stores, agents that fall back to the main one too', () => {
    const state = host({ main: 1, work: 3, idle: 2 }, ['main', 'work']);
    expect(largestShare(state, pools)).toEqual({ pool: 'web', sessions: 6, limit: 4, settleMs: 20 * second });
  });

  it('counts no more than a gateway runs at once', () => {
    expect(largestShare(host({ main: 1, work: 9 }, ['main', 'work'], 5), pools).sessions).toBe(5);
  });

  it('takes the default where the fleet’s pools are not known, and nothing where there are no logins', () => {
    expect(largestShare(host({ main: 1 }, ['main']), [])).toMatchObject({ pool: 'default', sessions: 1, limit: 4 });
    expect(largestShare(host({ main: 1 }, []), pools)).toMatchObject({ sessions: 0 });
  });
});

describe(poolOfLogin, () => {
  it('is the first that matches', () => {
    expect(poolOfLogin(pools, { account, profile }).name).toBe('web');
    expect(poolOfLogin(pools.toReversed(), { account, profile }).name).toBe('rest');
  });
});
