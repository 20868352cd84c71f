import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Milliseconds, second } from '@authmesh/shared/core/time';

/** Of this process, as far as giving memory back needs it. */
export interface HeapGauge {
  /** Milliseconds of CPU that the process has used. */
  readonly cpuMs: () => Milliseconds;
  /** Bytes that the heap has taken from the system, and those that it holds something in. */
  readonly heap: () => { readonly taken: number; readonly used: number };
  /** Collects everything, and gives back what is free then. */
  readonly collect: () => void;
}

const lookMs: Milliseconds = 10 * second;
/** Share of a core below which nobody waits for this process. */
const calmShare = 0.05;
/** A collection stands everything still, for 30 ms to 300 ms by the size of the heap: it has to be worth that. */
const gainBytesMin = 8 * 1024 * 1024;
const gainShareMin = 1 / 8;

/**
 * Gives back what a burst has left behind, once it is over: V8 keeps its heap as large as the start of the program, or the
 * return of a whole fleet, has made it (decision 0027). Returns the function that stops it.
 */
export function returnHeapWhenCalm(gauge: HeapGauge = processGauge): () => void {
  let cpuMs = gauge.cpuMs();
  let left = 0;
  const timer = setInterval(() => {
    const before = cpuMs;
    cpuMs = gauge.cpuMs();
    const { taken, used } = gauge.heap();
    const gain = taken - used - left;
    if (cpuMs - before > calmShare * lookMs || gain < Math.max(gainBytesMin, gainShareMin * taken)) return;
    gauge.collect();
    cpuMs = gauge.cpuMs();
    const after = gauge.heap();
    left = after.taken - after.used;
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

const processGauge: HeapGauge = {
  cpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  heap() {
    const { total_heap_size: taken, used_heap_size: used } = getHeapStatistics();
    return { taken, used };
  },
  collect() {
    // V8 hands its collector only to contexts that are made after this flag is set.
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void;
    setFlagsFromString('--no-expose-gc');
    // An ordinary collection keeps the pages that it has emptied.
    collect({ type: 'major', flavor: 'last-resort' });
  },
};
