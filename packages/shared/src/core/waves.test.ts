import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextLimit, planWaves } from './waves.ts';

describe(planWaves, () => {
  it.each([
    [15, 4, [1, 2, 4, 4, 4]],
    [1, 4, [1]],
    [3, 1, [1, 1, 1]],
    [15, 12, [1, 2, 4, 8]],
    [0, 4, []],
    [6, 5, [1, 2, 3]],
  ])('%i sessions under a limit of %i come back as %j', (sessions, limit, waves) => {
    expect(planWaves(sessions, limit, 20_000)).toEqual({ waves, totalMs: waves.length * 20_000 });
  });

  it('brings back each session once and never more than the limit at a time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 1, max: 300 }), (sessions, limit) => {
        const { waves } = planWaves(sessions, limit, 1);
        expect(waves.reduce((sum, wave) => sum + wave, 0)).toBe(sessions);
        expect(Math.max(0, ...waves)).toBeLessThanOrEqual(limit);
      }),
    );
  });
});

describe(nextLimit, () => {
  it('doubles up to what held, then adds one, and never passes the limit', () => {
    const rise = [1];
    for (let live = 1; live < 10; rise.push(live)) live = nextLimit(live, 6, 10);
    expect(rise).toEqual([1, 2, 4, 6, 7, 8, 9, 10]);
    expect(nextLimit(10, 6, 10)).toBe(10);
  });
});
