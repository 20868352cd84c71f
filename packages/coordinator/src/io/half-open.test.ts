import { expect, it } from 'vitest';
import { createHalfOpenCount } from './half-open.ts';

it('bounds each address and all together, and takes a place back once', () => {
  const count = createHalfOpenCount({ total: 4, perAddress: 2 });
  const first = count.take('10.0.0.1');
  expect(count.take('10.0.0.1')).toBeDefined();
  expect(count.take('10.0.0.1')).toBeUndefined();
  first?.();
  first?.();
  expect(count.size).toBe(1);
  expect(count.take('10.0.0.1')).toBeDefined();
  expect(count.take('10.0.0.2')).toBeDefined();
  expect(count.take('10.0.0.3')).toBeDefined();
  expect(count.take('10.0.0.4')).toBeUndefined();
  expect(count.size).toBe(4);
});

it('bounds loopback by the total alone', () => {
  const count = createHalfOpenCount({ total: 4, perAddress: 1 });
  for (const address of ['127.0.0.1', '127.0.0.1', '::1', '::ffff:127.0.0.1'])
    expect(count.take(address)).toBeDefined();
  expect(count.take('127.0.0.1')).toBeUndefined();
});

it('asks those that find no place to come again one after another, at the pace at which places become free', () => {
  let now = 0;
  const count = createHalfOpenCount({ total: 10, perAddress: 10 }, () => now);
  const places = Array.from({ length: 10 }, () => count.take('10.0.0.1'));
  expect(count.take('10.0.0.1')).toBeUndefined();
  expect([count.nextMoment(), count.nextMoment(), count.nextMoment()]).toEqual([250, 255, 260]);
  for (const giveBack of places) {
    now += 50;
    giveBack?.();
  }
  const [first = 0, second = 0] = [count.nextMoment(), count.nextMoment()];
  expect(second - first).toBeGreaterThan(20);
  expect(second - first).toBeLessThanOrEqual(50);
  expect(count.peak).toBe(10);
});

it('sends nobody away for longer than ten seconds', () => {
  const count = createHalfOpenCount({ total: 1, perAddress: 1 }, () => 0);
  const moments = Array.from({ length: 5_000 }, () => count.nextMoment());
  expect(Math.max(...moments)).toBeLessThanOrEqual(10_000);
  expect(Math.min(...moments)).toBe(250);
  // However many they are, they do not come together.
  const late = moments.slice(2_500);
  expect(new Set(late).size).toBeGreaterThan(1_000);
});
