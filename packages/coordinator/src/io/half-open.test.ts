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
