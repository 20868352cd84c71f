import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockOffsetMsMin, day, isNever, isUsable, second, shiftExpiry, significantOffset } from './time.ts';

const latestDate = 8_640_000_000_000_000;
const now = 1_800_000_000_000;

describe('time', () => {
  it('does not correct what a handshake’s own delay may be', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2 * day, max: 2 * day }), measured => {
        const offset = significantOffset(measured);
        expect(offset === 0 || offset === measured).toBe(true);
        expect(offset === measured).toBe(measured === 0 || Math.abs(measured) >= clockOffsetMsMin);
      }),
    );
  });

  it.each([null, latestDate, Number.MAX_SAFE_INTEGER])('%s is never, by every clock', expiry => {
    expect(shiftExpiry(expiry, day)).toBe(expiry);
    expect(shiftExpiry(expiry, -day)).toBe(expiry);
    expect(expiry === null || isNever(expiry)).toBe(true);
    expect(isUsable(expiry, now)).toBe(true);
  });

  it('moves an expiry to another clock and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 * now }), fc.integer({ min: -day, max: day }), (expiry, offset) => {
        expect(shiftExpiry(shiftExpiry(expiry, offset), -offset)).toBe(expiry);
        expect(isUsable(shiftExpiry(expiry, offset), now + offset)).toBe(isUsable(expiry, now));
      }),
    );
  });

  it('a login cannot be used any more in the moment in which it ends', () => {
    expect(isUsable(now, now)).toBe(false);
    expect(isUsable(now + 1, now)).toBe(true);
    expect(isUsable(now - second, now)).toBe(false);
  });
});
