import { day } from '@authmesh/shared/core/time';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTimers } from './timers.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('fires once, and a second setting replaces the first', () => {
  const fired: string[] = [];
  const timers = createTimers<'dial' | 'beat'>(name => void fired.push(name));
  timers.set('dial', 100);
  timers.set('beat', 150);
  timers.set('dial', 200);
  vi.advanceTimersByTime(160);
  expect(fired).toEqual(['beat']);
  vi.advanceTimersByTime(1_000);
  expect(fired).toEqual(['beat', 'dial']);
});

it('clears one or all', () => {
  const fired = vi.fn();
  const timers = createTimers<'dial' | 'beat'>(fired);
  timers.set('dial', 10);
  timers.clear('dial');
  timers.set('dial', 10);
  timers.set('beat', 10);
  timers.clearAll();
  vi.advanceTimersByTime(100);
  expect(fired).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

it('may be set again from its own firing', () => {
  let rounds = 0;
  const timers = createTimers<'beat'>(name => {
    if (++rounds < 3) timers.set(name, 10);
  });
  timers.set('beat', 10);
  vi.advanceTimersByTime(100);
  expect(rounds).toBe(3);
});

it('waits out delays that Node cannot count', () => {
  const fired = vi.fn();
  createTimers<'beat'>(fired).set('beat', 60 * day);
  vi.advanceTimersByTime(59 * day);
  expect(fired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2 * day);
  expect(fired).toHaveBeenCalledTimes(1);
});
