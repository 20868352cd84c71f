import type { Input, Transition } from '@authmesh/shared/core/machine';
import type { Instant, Milliseconds } from '@authmesh/shared/core/time';

export interface DriverOptions<State, Event, Effect> {
  readonly transition: Transition<State, Event, Effect>;
  /** The state to start from; the driver owns it from here on. */
  readonly state: State;
  /**
   * Does one effect. A promise makes every later effect wait for it, so that what must be durable is so before anybody
   * is told; transitions go on meanwhile. An effect that fails in a foreseen way dispatches an event; a throw is a bug.
   */
  readonly execute: (effect: Effect) => void | Promise<void>;
  readonly now: () => Instant;
  /** How long this process has been running, by a clock that never runs slow. */
  readonly elapsed: () => Milliseconds;
  /** The same, by a clock that never runs fast; absent where the other one does not either. */
  readonly awake?: (() => Milliseconds) | undefined;
  readonly drawSeed: () => number;
  /** Told of each input before it is applied, with the state that it meets: the journal's place. */
  readonly onInput?: ((input: Input<Event>, before: State) => void) | undefined;
  /** A transition or an effect threw. The driver does nothing more; the process has to end. */
  readonly onCrash: (error: unknown) => void;
}

/** Runs one machine: the only place where its state is held. */
export interface Driver<State, Event> {
  readonly dispatch: (event: Event) => void;
  readonly state: State;
  /** Resolves when every effect so far is done; never after a crash. */
  readonly settled: () => Promise<void>;
}

/**
 * Takes events one at a time and does their effects in order.
 *
 * An event dispatched from within an effect is queued behind the effects of the current step. While an effect is
 * pending (its promise has not resolved), steps go on and their effects line up behind it.
 */
export function createDriver<State, Event, Effect>(options: DriverOptions<State, Event, Effect>): Driver<State, Event> {
  const { transition, execute } = options;
  const events: Event[] = [];
  let effects: Effect[] = [];
  let nextEffect = 0;
  let { state } = options;
  let running = false;
  let pending = false;
  let crashed = false;
  const waiting: (() => void)[] = [];

  const crash = (error: unknown) => {
    if (crashed) return;
    crashed = true;
    events.length = 0;
    effects = [];
    options.onCrash(error);
  };

  const resume = () => {
    pending = false;
    run();
  };

  /** Does effects until one is pending or none is left. */
  const drainEffects = () => {
    while (!pending && !crashed && nextEffect < effects.length) {
      const outcome = execute(effects[nextEffect++] as Effect);
      if (outcome === undefined) continue;
      pending = true;
      outcome.then(resume, crash);
    }
    if (nextEffect === effects.length) {
      effects = [];
      nextEffect = 0;
    } else if (nextEffect > 1_024) {
      effects = effects.slice(nextEffect);
      nextEffect = 0;
    }
  };

  const step = (event: Event) => {
    const elapsed = options.elapsed();
    const awake = options.awake?.() ?? elapsed;
    const input: Input<Event> = { at: options.now(), elapsed, awake, seed: options.drawSeed(), event };
    options.onInput?.(input, state);
    const next = transition(state, input);
    state = next.state;
    for (const effect of next.effects) effects.push(effect);
  };

  const run = () => {
    if (running || crashed) return;
    running = true;
    try {
      drainEffects();
      for (let event = events.shift(); event !== undefined && !crashed; event = events.shift()) {
        step(event);
        drainEffects();
      }
    } catch (error) {
      crash(error);
    } finally {
      running = false;
    }
    if (!pending && !crashed) for (const wake of waiting.splice(0)) wake();
  };

  return {
    dispatch(event) {
      if (crashed) return;
      events.push(event);
      run();
    },
    get state() {
      return state;
    },
    settled() {
      if (!pending && !running && !crashed) return Promise.resolve();
      return new Promise(resolve => waiting.push(resolve));
    },
  };
}
