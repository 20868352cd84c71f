import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AuthmeshError } from './errors.ts';
import { beginLifecycle } from './lifecycle.ts';

const said: string[] = [];
let host: EventEmitter & { exit: (code: number) => void };
let exit: ReturnType<typeof vi.fn<(code: number) => void>>;

beforeEach(() => {
  vi.useFakeTimers();
  said.length = 0;
  exit = vi.fn<(code: number) => void>();
  host = Object.assign(new EventEmitter(), { exit });
});
afterEach(() => void vi.useRealTimers());

function install(drain: () => void | Promise<void>, reload?: () => void) {
  return beginLifecycle(host)({ drain, reload, say: sentence => void said.push(sentence) });
}

it('drains once, and a second signal stops at once', () => {
  const drain = vi.fn();
  install(drain);
  host.emit('SIGTERM');
  expect(exit).not.toHaveBeenCalled();
  host.emit('SIGINT');
  expect(drain).toHaveBeenCalledTimes(1);
  expect(exit).toHaveBeenCalledWith(130);
});

it('cuts a drain off that never ends', () => {
  install(() => new Promise(() => {}));
  host.emit('SIGTERM');
  vi.advanceTimersByTime(9_999);
  expect(exit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(exit).toHaveBeenCalledWith(1);
  expect(said).toEqual(['the stop took longer than 10 s and was cut off.']);
});

it('ends with 1 and a sentence when the drain fails', async () => {
  install(() => {
    throw new Error('socket gone');
  });
  host.emit('SIGTERM');
  await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(1));
  expect(said[0]).toContain('the stop failed: ');
});

it('reloads on SIGHUP and keeps running when that fails', async () => {
  const reload = vi.fn(() => {
    throw new AuthmeshError('ERR_CONFIGURATION', 'agent.json is not valid JSON', { hint: 'mend it' });
  });
  install(() => {}, reload);
  host.emit('SIGHUP');
  await vi.waitFor(() =>
    expect(said).toEqual(['the configuration was not reloaded: agent.json is not valid JSON: mend it.']),
  );
  expect(exit).not.toHaveBeenCalled();
});

it('answers a SIGHUP that came during the start once the program has started', async () => {
  const reload = vi.fn();
  const tieToSignals = beginLifecycle(host);
  host.emit('SIGHUP');
  host.emit('SIGHUP');
  const letGo = tieToSignals({ drain: () => {}, reload, say: sentence => void said.push(sentence) });
  await vi.waitFor(() => expect(reload).toHaveBeenCalledTimes(1));
  letGo();
  expect(host.eventNames()).toEqual([]);
});

it('lets go of the signals', () => {
  install(() => {})();
  expect(host.eventNames()).toEqual([]);
});
