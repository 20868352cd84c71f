import { setTimeout as wait } from 'node:timers/promises';

/** One attempt to bring a session back; false: the service refused it. */
export type Attempt = () => Promise<boolean>;

/** What others do when all of a service's sessions have to come back at once (`field/staggering.md`). */
export interface Way {
  readonly name: string;
  readonly run: (attempts: readonly Attempt[]) => Promise<void>;
}

const retryMs = 200;
const backoffMsBase = 100;
const backoffMsMax = 5_000;

async function insist(attempt: Attempt, pauseMs: (failures: number) => number): Promise<void> {
  for (let failures = 1; !(await attempt()); failures++) await wait(pauseMs(failures));
}

/** Limits are those of the service; `startMs` is how long one session takes to come back. */
export function waysFor(limit: number, startMs: number): readonly Way[] {
  return [
    {
      name: 'no control',
      run: async attempts => void (await Promise.all(attempts.map(attempt => insist(attempt, () => retryMs)))),
    },
    {
      name: 'fixed sleep',
      run: async attempts => {
        const spaced = attempts.map(async (attempt, index) => {
          await wait(index * startMs);
          await insist(attempt, () => retryMs);
        });
        await Promise.all(spaced);
      },
    },
    {
      name: 'jittered back-off',
      run: async attempts => {
        const pause = (failures: number) => Math.random() * Math.min(backoffMsMax, backoffMsBase * 2 ** failures);
        await Promise.all(attempts.map(attempt => insist(attempt, pause)));
      },
    },
    {
      name: 'fixed semaphore',
      run: async attempts => {
        const left = [...attempts];
        const work = async () => {
          for (let next = left.shift(); next; next = left.shift()) await insist(next, () => retryMs);
        };
        await Promise.all(Array.from({ length: limit }, work));
      },
    },
  ];
}
