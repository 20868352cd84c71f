import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fingerprint } from './identifiers.ts';
import { type Life, refreshDueAt } from './lease.ts';
import { day, hour, minute, second } from './time.ts';

const access = 'a'.repeat(32) as Fingerprint;
const begun = 1_800_000_000_000;
const dueOf = (life: Partial<Life>) => refreshDueAt({ access, acceptedAt: begun, expiresAt: begun + hour, ...life });

describe('a login', () => {
  it.each([
    ['ten days', 10 * day],
    ['eight hours', 8 * hour],
    ['one hour', hour],
    ['half a minute', minute / 2],
  ])('of %s is due at about two thirds of its life', (_name, lifeMs) => {
    const share = ((dueOf({ expiresAt: begun + lifeMs }) ?? 0) - begun) / lifeMs;
    expect(share).toBeGreaterThan(0.63);
    expect(share).toBeLessThan(0.71);
  });

  it('of a little over half an hour is due ten minutes before its end at the latest', () => {
    expect(dueOf({ expiresAt: begun + 31 * minute })).toBeLessThanOrEqual(begun + 21 * minute);
  });

  it('counts from when it was issued, where the issuer says so and it can be', () => {
    const expiresAt = begun + hour;
    expect(dueOf({ issuedAt: begun - 2 * hour, expiresAt })).toBeLessThan(dueOf({ expiresAt }) ?? 0);
    expect(dueOf({ issuedAt: expiresAt + 1, expiresAt })).toBe(dueOf({ expiresAt }));
  });

  it('is not due at once when the fleet gets it, however far the issuer’s clock is from the fleet’s', () => {
    expect(dueOf({ issuedAt: begun - 9 * day, expiresAt: begun + hour })).toBe(begun + hour / 3);
    expect(dueOf({ expiresAt: begun })).toBe(begun + 5 * second);
    expect(dueOf({ acceptedAt: begun + day, expiresAt: begun })).toBe(begun + 5 * second);
  });

  it('without an end is never due', () => {
    expect(dueOf({ expiresAt: null })).toBe(null);
  });

  it('is due before it ends and not before it began, whatever its dates say', () => {
    const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });
    const print = fc.stringMatching(/^[0-9a-f]{32}$/) as fc.Arbitrary<Fingerprint>;
    fc.assert(
      fc.property(
        print,
        instant,
        instant,
        fc.option(instant, { nil: undefined }),
        (of, expiresAt, acceptedAt, issuedAt) => {
          const due = refreshDueAt({ access: of, expiresAt, acceptedAt, issuedAt });
          const begunAt = issuedAt !== undefined && issuedAt < expiresAt ? issuedAt : Math.min(acceptedAt, expiresAt);
          const latest = expiresAt + 5 * second;
          return due !== null && due <= latest && due >= Math.min(begunAt, expiresAt - 10 * minute);
        },
      ),
    );
  });
});
