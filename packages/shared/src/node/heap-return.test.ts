import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { returnHeapWhenCalm } from './heap-return.ts';

const mebibyte = 1024 * 1024;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A process that uses 20 MB, whose load and idle memory the test sets; a collection leaves `rest`. */
function createGauge(rest: number) {
  const gauge = { cpu: 0, idle: 0, collections: 0 };
  const stop = returnHeapWhenCalm({
    cpuMs: () => gauge.cpu,
    heap: () => ({ taken: 20 * mebibyte + gauge.idle, used: 20 * mebibyte }),
    collect: () => {
      gauge.collections++;
      gauge.idle = rest;
    },
  });
  return { gauge, stop };
}

test('memory is given back once a burst is over, and not while it lasts', () => {
  const { gauge } = createGauge(4 * mebibyte);
  gauge.cpu += 2_000;
  gauge.idle = 100 * mebibyte;
  vi.advanceTimersByTime(10_000);
  expect(gauge.collections).toBe(0);
  gauge.cpu += 100;
  vi.advanceTimersByTime(10_000);
  expect(gauge.collections).toBe(1);
});

test('nothing is collected for little', () => {
  const { gauge } = createGauge(0);
  gauge.idle = 7 * mebibyte;
  vi.advanceTimersByTime(60_000);
  expect(gauge.collections).toBe(0);
});

test('what a collection could not give back is not collected for again', () => {
  const { gauge, stop } = createGauge(40 * mebibyte);
  gauge.idle = 100 * mebibyte;
  vi.advanceTimersByTime(60_000);
  expect(gauge.collections).toBe(1);
  gauge.idle = 48 * mebibyte;
  vi.advanceTimersByTime(60_000);
  expect(gauge.collections).toBe(1);
  gauge.idle = 60 * mebibyte;
  vi.advanceTimersByTime(60_000);
  expect(gauge.collections).toBe(2);
  stop();
  gauge.idle = 500 * mebibyte;
  vi.advanceTimersByTime(60_000);
  expect(gauge.collections).toBe(2);
});

test('a real process gives a real heap back, and is left without the collector', async () => {
  const module = fileURLToPath(new URL('./heap-return.ts', import.meta.url));
  const program = `
    const looks = [];
    globalThis.setInterval = look => (looks.push(look), { unref() {} });
    const { returnHeapWhenCalm } = await import(${JSON.stringify(module)});
    const taken = () => process.memoryUsage().heapTotal;
    let kept = Array.from({ length: 2_000_000 }, (_, index) => ({ index }));
    kept = undefined;
    const before = taken();
    returnHeapWhenCalm();
    looks[0]();
    console.log(JSON.stringify({ before, after: taken(), collector: typeof globalThis.gc }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  const { before, after, collector } = JSON.parse(stdout);
  expect(before).toBeGreaterThan(60 * mebibyte);
  expect(after).toBeLessThan(before / 2);
  expect(collector).toBe('undefined');
});
