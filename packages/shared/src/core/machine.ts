import type { Instant, Milliseconds } from './time.ts';

/** What a core is told: an event, when it happened, and a number to draw chance from. */
export interface Input<Event> {
  /** By the host's wall clock, which somebody may set: what expiries are held against. */
  readonly at: Instant;
  /** By the process's own clock, never slower than real time: what is done under a lease is held against it. */
  readonly elapsed: Milliseconds;
  /** By a clock that is never faster than real time, and stands still while the host sleeps: what is over by now is told by it. */
  readonly awake: Milliseconds;
  readonly seed: number;
  readonly event: Event;
}

/** What a core answers: the state after the event, and what the shell shall do, in this order. */
export interface Step<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/**
 * The one shape of every machine here: synchronous, total and deterministic.
 *
 * The state is moved through the transition: the one passed in is dead afterwards. Its leaves are immutable and
 * replaced, its large indexes (`Map`) are updated in place.
 */
export type Transition<State, Event, Effect> = (state: State, input: Input<Event>) => Step<State, Effect>;
