import { describe, expect, it } from 'vitest';
import { createElapsedClock } from './elapsed-clock.ts';

/** Two clocks that a test moves apart. */
function createClocks() {
  const clocks = { wall: 1_800_000_000_000, monotonic: 500 };
  const elapsed = createElapsedClock({ wall: () => clocks.wall, monotonic: () => clocks.monotonic });
  const pass = (wallMs: number, monotonicMs: number) => {
    clocks.wall += wallMs;
    clocks.monotonic += monotonicMs;
    return elapsed();
  };
  return { elapsed, pass };
}

describe(createElapsedClock, () => {
  it('starts where the process is', () => {
    expect(createClocks().elapsed()).toBe(500);
  });

  it('counts a sleep that the monotonic clock slept through', () => {
    const { pass } = createClocks();
    expect(pass(1_000, 1_000)).toBe(1_500);
    expect(pass(4 * 86_400_000, 20)).toBe(1_500 + 4 * 86_400_000);
  });

  it('is not set back with the wall clock', () => {
    const { pass } = createClocks();
    expect(pass(-86_400_000, 1_000)).toBe(1_500);
    expect(pass(1_000, 1_000)).toBe(2_500);
  });

  it('rather runs ahead than behind when the wall clock is set forward', () => {
    const { pass } = createClocks();
    expect(pass(86_400_000, 1_000)).toBe(500 + 86_400_000);
  });
});
