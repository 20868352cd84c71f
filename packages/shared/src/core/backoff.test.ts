import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reconnectDelayMs, reconnectDelayMsBase, reconnectDelayMsMax, returnDelayMs } from './backoff.ts';
import { fraction } from './chance.ts';

describe(reconnectDelayMs, () => {
  it('is any time up to a ceiling that doubles with each attempt and ends', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer(), (attempt, seed) => {
        const ceiling = Math.min(reconnectDelayMsMax, reconnectDelayMsBase * 2 ** Math.min(attempt, 16));
        const delayMs = reconnectDelayMs(attempt, seed);
        expect(Number.isInteger(delayMs) && delayMs >= 0 && delayMs < ceiling).toBe(true);
      }),
    );
  });

  it('spreads a fleet evenly: no two hundredths of the time hold many more nodes than others', () => {
    const slots = Array.from({ length: 100 }, () => 0);
    for (let seed = 0; seed < 10_000; seed++) {
      const slot = Math.floor((reconnectDelayMs(20, seed) / reconnectDelayMsMax) * 100);
      slots[slot] = (slots[slot] ?? 0) + 1;
    }
    expect(Math.max(...slots)).toBeLessThan(150);
    expect(Math.min(...slots)).toBeGreaterThan(50);
  });
});

describe(returnDelayMs, () => {
  it('is the moment that a full coordinator gave, within what no answer would lead to', () => {
    expect(returnDelayMs(3, 7, {})).toBe(reconnectDelayMs(3, 7));
    expect(returnDelayMs(3, 7, { retryAfterMs: 250, notBeforeMs: 3_000 })).toBe(3_000);
    fc.assert(
      fc.property(fc.nat(40), fc.integer(), fc.nat(1_000_000), (attempt, seed, retryAfterMs) => {
        const delayMs = returnDelayMs(attempt, seed, { retryAfterMs });
        const believedMs = Math.min(Math.max(retryAfterMs, reconnectDelayMsBase), (reconnectDelayMsMax * 2) / 3);
        expect(delayMs).toBeGreaterThanOrEqual(Math.floor(believedMs));
        expect(delayMs).toBeLessThanOrEqual(believedMs * 1.5);
      }),
    );
  });
});

describe(fraction, () => {
  it('depends on the seed alone and is never 1', () => {
    fc.assert(
      fc.property(fc.integer(), seed => {
        expect(fraction(seed)).toBe(fraction(seed));
        expect(fraction(seed)).toBeGreaterThanOrEqual(0);
        expect(fraction(seed)).toBeLessThan(1);
      }),
    );
  });
});
