import type { Instant, Milliseconds } from '@authmesh/shared/core/time';

interface Slot {
  /** Infinite while it is not set. */
  deadline: Instant;
  /** The earliest entry in the queue that looks at this slot; one is enough. */
  scheduledAt: Instant;
}

export interface TimerPort<Name extends string> {
  readonly now: () => Instant;
  readonly schedule: (delayMs: Milliseconds, run: () => void) => void;
  readonly fire: (timer: Name) => void;
}

/** Named single timers. Setting one again moves its deadline without piling entries up in the queue. */
export interface Timers<Name extends string> {
  readonly slots: Map<Name, Slot>;
  readonly port: TimerPort<Name>;
}

export function createTimers<Name extends string>(port: TimerPort<Name>): Timers<Name> {
  return { slots: new Map(), port };
}

/** A timer of Node counts from the last turn of its event loop, so it can be early: here each is, by a millisecond. */
export function setTimer<Name extends string>({ slots, port }: Timers<Name>, timer: Name, delayMs: Milliseconds): void {
  let slot = slots.get(timer);
  if (!slot) {
    slot = { deadline: Number.POSITIVE_INFINITY, scheduledAt: Number.POSITIVE_INFINITY };
    slots.set(timer, slot);
  }
  slot.deadline = port.now() + (delayMs > 1 ? delayMs - 1 : Math.max(0, delayMs));
  if (slot.scheduledAt > slot.deadline) plan(slot, timer, port);
}

export function clearTimer<Name extends string>(timers: Timers<Name>, timer: Name): void {
  const slot = timers.slots.get(timer);
  if (slot) slot.deadline = Number.POSITIVE_INFINITY;
}

function plan<Name extends string>(slot: Slot, timer: Name, port: TimerPort<Name>): void {
  const { deadline } = slot;
  slot.scheduledAt = deadline;
  port.schedule(deadline - port.now(), () => {
    // A later entry for an earlier deadline has taken over.
    if (slot.scheduledAt !== deadline) return;
    slot.scheduledAt = Number.POSITIVE_INFINITY;
    if (slot.deadline > port.now()) {
      if (slot.deadline !== Number.POSITIVE_INFINITY) plan(slot, timer, port);
      return;
    }
    slot.deadline = Number.POSITIVE_INFINITY;
    port.fire(timer);
  });
}
