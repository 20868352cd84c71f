import { run } from '../../simulation/run.ts';
import { createQueue } from '../../simulation/world/queue.ts';
import type { Bench, Figure } from '../figure.ts';
import { median } from '../statistics.ts';

/** The compiler needs some 200,000 steps until all that is hot is compiled for what it meets. */
const warmUpSeeds = [5, 6, 7, 8, 9, 10, 11, 12];
const seeds = [2, 3, 4];
const nodes = 50;
const minutes = 30;

/** Steps of the simulator a second, checkers included. */
export const simulator: Bench = {
  name: 'simulator',
  run() {
    const rates: number[] = [];
    let failure: string | undefined;
    for (const seed of [...warmUpSeeds, ...seeds]) {
      const begun = performance.now();
      const result = run({ seed, nodes, minutes });
      const rate = (result.steps / (performance.now() - begun)) * 1_000;
      if (seeds.includes(seed)) rates.push(rate);
      failure ??= result.failure && `seed ${seed}: ${result.failure.message}`;
    }
    const value = median(rates);
    const floor = median([queueRate(), queueRate(), queueRate()]);
    const target = { words: '≥ 300,000 a second', met: value >= 300_000 };
    const figure: Figure = {
      name: 'simulator: steps a second',
      unit: '/s',
      value,
      floor: { name: 'a heap of timers alone', value: floor },
      target,
      failure,
    };
    return Promise.resolve([figure]);
  },
};

/** Entries a second that a queue of the size of a run's takes in and gives out. */
function queueRate(): number {
  const queue = createQueue();
  const nothing = (): void => undefined;
  for (let at = 0; at < queueSize; at++) queue.schedule(at, nothing);
  const begun = performance.now();
  for (let entry = 0; entry < queueEntries; entry++) {
    queue.schedule(queue.nextAt() + (entry % queueSize), nothing);
    queue.take()?.();
  }
  return (queueEntries / (performance.now() - begun)) * 1_000;
}

const queueSize = 500;
const queueEntries = 1_000_000;
