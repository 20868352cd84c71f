import { second } from '@authmesh/shared/core/time';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cameBack, createPace, failedToReturn, limited, type Pace, recoveryBegan } from './pace.ts';

const limit = 16;
const seed = 1;

/** All of a round come back. */
const back = (pace: Pace, most: number) => cameBack(pace, { sessions: pace.left, burst: pace.burst }, most);

/** A recovery whose live limit has risen to `live`. */
function risenTo(live: number): Pace {
  let pace = recoveryBegan(createPace(live));
  while (pace.phase === 'canary' || pace.live < live) pace = back(pace, live);
  return pace;
}

/** Of the sessions that were let go when `lot` was the pace, this many are refused, one after the other. */
function refuse(pace: Pace, lot: Pace, count: number): Pace {
  let next = pace;
  for (let one = 0; one < count; one++) {
    next = failedToReturn(next, { sessions: 1, burst: lot.burst }, 'refused', second, seed);
  }
  return next;
}

describe('a burst of refusals', () => {
  it('lowers the limit to what stood, within seven tenths and a half', () => {
    const full = risenTo(limit);
    const after = [1, 5, 6, 8, 16].map(count => refuse(full, full, count).live);
    expect(after).toEqual([11, 11, 10, 8, 8]);
  });

  it('is one cut, however many sessions and marks tell of it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }),
        (wall, tale) => {
          const full = risenTo(wall);
          let pace = full;
          for (const isMark of tale) pace = isMark ? limited(pace) : refuse(pace, full, 1);
          expect(pace.live).toBeGreaterThanOrEqual(Math.max(1, Math.floor(wall / 2)));
          expect(pace.live).toBeLessThanOrEqual(Math.max(1, Math.floor(wall * 0.7)));
          expect(pace).toMatchObject({ wall, held: pace.live, burst: full.burst + 1 });
        },
      ),
    );
  });

  it('of sessions that were let go after the cut is a cut of its own', () => {
    const full = risenTo(limit);
    const first = refuse(full, full, 1);
    const second = refuse(first, first, 3);
    expect(second).toMatchObject({ live: 7, wall: 11, burst: full.burst + 2 });
    // The rest of the first burst comes late and says nothing of what is let go now.
    expect(refuse(second, full, 4).live).toBe(7);
  });

  it('that is heard of when the round after it went well lowers nothing any more', () => {
    const full = risenTo(limit);
    const first = refuse(full, full, 1);
    const good = back(first, limit);
    expect(good.live).toBe(12);
    expect(refuse(good, full, 7)).toMatchObject({ live: 12, held: 11 });
  });
});

describe('the limit at which refusals were seen', () => {
  it('is tried again after ten good rounds below it', () => {
    const full = risenTo(limit);
    let pace = refuse(full, full, 8);
    const lives: number[] = [];
    for (let round = 0; round < 20; round++) {
      pace = back(pace, limit);
      lives.push(pace.live);
    }
    expect(lives).toEqual([9, 10, 11, 12, 13, 14, 15, 15, 15, 16, ...Array(10).fill(16)]);
  });
});
