import type { Milliseconds } from '@authmesh/shared/core/time';

/** Where timers come from: the process, or a test. */
export interface TimerSource {
  readonly setTimeout: (fire: () => void, delayMs: Milliseconds) => unknown;
  readonly clearTimeout: (handle: never) => void;
}

/** Single timers by name: setting one again replaces it. */
export interface Timers<Name extends string> {
  readonly set: (name: Name, delayMs: Milliseconds) => void;
  readonly clear: (name: Name) => void;
  readonly clearAll: () => void;
}

/** Node fires a longer delay at once (it counts in 31 bits), so a longer one is waited for in parts. */
const delayMsMax: Milliseconds = 2 ** 31 - 1;

/** Calls `onFired` with the name of a timer when its delay is over. */
export function createTimers<Name extends string>(
  onFired: (name: Name) => void,
  source: TimerSource = globalThis,
): Timers<Name> {
  const handles = new Map<Name, unknown>();

  const clear = (name: Name) => {
    if (!handles.has(name)) return;
    source.clearTimeout(handles.get(name) as never);
    handles.delete(name);
  };

  const arm = (name: Name, delayMs: Milliseconds) => {
    const part = Math.min(Math.max(0, delayMs), delayMsMax);
    const handle = source.setTimeout(() => {
      if (handles.get(name) !== handle) return;
      if (delayMs > part) return arm(name, delayMs - part);
      handles.delete(name);
      onFired(name);
    }, part);
    handles.set(name, handle);
  };

  return {
    set(name, delayMs) {
      clear(name);
      arm(name, delayMs);
    },
    clear,
    clearAll() {
      for (const name of [...handles.keys()]) clear(name);
    },
  };
}
