import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePositions } from './position.ts';

const position = fc.record({ epoch: fc.nat(3), revision: fc.nat(5) });

describe(comparePositions, () => {
  it('goes by the epoch first, by the revision within it', () => {
    expect(comparePositions({ epoch: 2, revision: 1 }, { epoch: 1, revision: 9 })).toBeGreaterThan(0);
    expect(comparePositions({ epoch: 1, revision: 2 }, { epoch: 1, revision: 1 })).toBeGreaterThan(0);
    expect(comparePositions({ epoch: 1, revision: 1 }, { epoch: 1, revision: 1 })).toBe(0);
  });

  it('is a total order', () => {
    fc.assert(
      fc.property(position, position, position, (a, b, c) => {
        expect(Math.sign(comparePositions(a, b))).toBe(0 - Math.sign(comparePositions(b, a)));
        expect(comparePositions(a, b) === 0).toBe(a.epoch === b.epoch && a.revision === b.revision);
        if (comparePositions(a, b) <= 0 && comparePositions(b, c) <= 0)
          expect(comparePositions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
