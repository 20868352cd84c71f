import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchClock } from './clock-watch.ts';

let wall = 0;
let monotonic = 0;
let jumps: number[] = [];
let stop = () => {};

beforeEach(() => {
  vi.useFakeTimers();
  jumps = [];
  stop = watchClock({ onJump: byMs => void jumps.push(byMs), wall: () => wall, monotonic: () => monotonic });
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

function tick(wallMs: number, monotonicMs: number) {
  wall += wallMs;
  monotonic += monotonicMs;
  vi.advanceTimersByTime(3_000);
}

it('says nothing of steady clocks, slewing and a busy event loop', () => {
  tick(3_000, 3_000);
  tick(3_400, 3_000);
  tick(9_000, 9_000);
  for (let round = 0; round < 100; round++) tick(3_050, 3_000);
  expect(jumps).toEqual([]);
});

it('reports sleep, and a clock that was set forward or back, once each', () => {
  tick(3_600_000, 3_000);
  tick(3_000, 3_000);
  tick(-86_400_000, 3_000);
  tick(3_000, 3_000);
  expect(jumps).toEqual([3_597_000, -86_403_000]);
});

it('reports sleep where the monotonic clock counts through it', () => {
  tick(3_600_000, 3_600_000);
  expect(jumps).toEqual([3_597_000]);
});

it('stops', () => {
  stop();
  tick(3_600_000, 1_000);
  expect(jumps).toEqual([]);
});
