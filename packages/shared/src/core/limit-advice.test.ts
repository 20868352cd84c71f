import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adviseLimit } from './limit-advice.ts';
import { planWaves } from './waves.ts';

describe(adviseLimit, () => {
  it.each([
    [15, 20_000, 8, /no limit does it faster/],
    [15, 10_000, 3, /within 60 s/],
    [1, 20_000, 1, /within 60 s/],
    [40, 0, 1, /within 60 s/],
  ])('%i sessions that settle in %i ms want %i', (sessions, settleMs, limit, why) => {
    const advice = adviseLimit(sessions, settleMs);
    expect(advice.limit).toBe(limit);
    expect(advice.why).toMatch(why);
  });

  it('goes by what was observed, where anything was', () => {
    const observed = { peak: 10, days: 14 };
    expect(adviseLimit(15, 20_000, observed)).toEqual({
      limit: 12,
      why: 'peak 10 of 15 over 14 days; 12 leaves 20 %',
    });
  });

  it('names the smallest limit that is fast enough', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 90_000 }), (sessions, settleMs) => {
        const { limit } = adviseLimit(sessions, settleMs);
        const timeOf = (one: number) => planWaves(sessions, one, settleMs).totalMs;
        const goal = Math.max(60_000, timeOf(sessions));
        expect(timeOf(limit)).toBeLessThanOrEqual(goal);
        if (limit > 1) expect(timeOf(limit - 1)).toBeGreaterThan(goal);
      }),
    );
  });
});
