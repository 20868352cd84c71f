import type { Random } from './world/random.ts';

/** What may go wrong in a run. A seed draws which of these it has at all, and how often (swarm testing). */
export interface FaultRates {
  /** Effects and commits until the next crash at one; infinite when no crash is due. */
  effectsToCrash: number;
  /** Mean number of effects between two crashes; infinite: none. */
  effectsPerCrash: number;
  readonly draws: Random;
  /** Share of messages that take ten to fifty times as long. */
  delay: number;
  /** Share of file events that a watcher misses. */
  missedEvent: number;
}

/** No faults at all: how transcripts run, and how every run ends. */
export function noFaults(draws: Random): FaultRates {
  return {
    effectsToCrash: Number.POSITIVE_INFINITY,
    effectsPerCrash: Number.POSITIVE_INFINITY,
    draws,
    delay: 0,
    missedEvent: 0,
  };
}

/** The rates of one seed. */
export function drawRates(random: Random): FaultRates {
  const rates = noFaults(random.fork(1));
  if (random.chance(0.5)) {
    rates.effectsPerCrash = random.between(300, 20_000);
    rates.effectsToCrash = random.between(1, rates.effectsPerCrash);
  }
  if (random.chance(0.5)) rates.delay = random.fraction() * 0.1;
  if (random.chance(0.5)) rates.missedEvent = random.fraction() * 0.3;
  return rates;
}

/** Whether the process ends right here. Counts down, so that it costs nothing most of the time. */
export function crashesNow(faults: FaultRates): boolean {
  if (--faults.effectsToCrash > 0) return false;
  faults.effectsToCrash = 1 + faults.draws.below(2 * faults.effectsPerCrash);
  return true;
}

/** Ends all faults that are drawn at each step. */
export function healRates(faults: FaultRates): void {
  faults.effectsToCrash = Number.POSITIVE_INFINITY;
  faults.effectsPerCrash = Number.POSITIVE_INFINITY;
  faults.delay = 0;
  faults.missedEvent = 0;
}
