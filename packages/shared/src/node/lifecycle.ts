import { constants } from 'node:os';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { operatorSentence } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

/** A drain that takes longer than this is cut off. */
export const drainDeadlineMs: Milliseconds = 10 * second;

type StopSignal = 'SIGTERM' | 'SIGINT';

/** The part of `process` that a lifecycle uses. */
export interface LifecycleProcess {
  readonly on: (signal: NodeJS.Signals, listener: () => void) => unknown;
  readonly off: (signal: NodeJS.Signals, listener: () => void) => unknown;
  readonly exit: (code: number) => void;
  exitCode?: number | string | null | undefined;
}

export interface LifecycleOptions {
  /** Sheds what is going on and closes everything, so that the event loop empties. Called once. */
  readonly drain: (signal: StopSignal) => void | Promise<void>;
  /** Reads the configuration again. */
  readonly reload?: (() => void | Promise<void>) | undefined;
  /** A line for the operator about a stop that did not go well. */
  readonly say: (sentence: string) => void;
  readonly deadlineMs?: Milliseconds | undefined;
}

/**
 * Called as a program begins: a SIGHUP that comes while it starts is answered once it has started, where the system would
 * end the program. Returns the function that ties the started program to its signals: SIGTERM and SIGINT drain, a second
 * one stops at once, SIGHUP reloads. That one returns the function that lets go of the signals.
 */
export function beginLifecycle(host: LifecycleProcess = process): (options: LifecycleOptions) => () => void {
  let isReloadDue = false;
  const remember = () => {
    isReloadDue = true;
  };
  host.on('SIGHUP', remember);
  return options => {
    const listeners = listenersOf(options, host);
    for (const [signal, listener] of listeners) host.on(signal, listener);
    host.off('SIGHUP', remember);
    if (isReloadDue) listeners.find(([signal]) => signal === 'SIGHUP')?.[1]();
    return () => {
      for (const [signal, listener] of listeners) host.off(signal, listener);
    };
  };
}

/** The deadline is armed before the drain begins and does not keep the process alive. */
function listenersOf(options: LifecycleOptions, host: LifecycleProcess) {
  const deadlineMs = options.deadlineMs ?? drainDeadlineMs;
  let draining = false;

  const fail = (what: string) => (error: unknown) => options.say(`${what}: ${operatorSentence(error)}`);

  const stop = (signal: StopSignal) => () => {
    if (draining) {
      host.exit(128 + constants.signals[signal]);
      return;
    }
    draining = true;
    const deadline = setTimeout(() => {
      options.say(`the stop took longer than ${deadlineMs / second} s and was cut off.`);
      host.exit(exitCodes.problem);
    }, deadlineMs);
    deadline.unref();
    run(
      () => options.drain(signal),
      error => {
        fail('the stop failed')(error);
        host.exit(exitCodes.problem);
      },
    );
  };
  const reload = () => run(() => options.reload?.(), fail('the configuration was not reloaded'));

  return [
    ['SIGTERM', stop('SIGTERM')],
    ['SIGINT', stop('SIGINT')],
    ['SIGHUP', reload],
  ] as const;
}

/** Both a throw and a rejection reach `onError`; the action begins at once. */
function run(action: () => void | Promise<void>, onError: (error: unknown) => void): void {
  const begin = async () => action();
  begin().catch(onError);
}
