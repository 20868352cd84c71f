import type { Milliseconds } from '@authmesh/shared/core/time';

/** What comes within this time shares one write and one sync. */
const gatherMs: Milliseconds = 25;

/** A wait for more to come, which somebody in a hurry can cut short. */
export interface Gathering {
  readonly wait: () => Promise<void>;
  /** Ends the wait that goes on, or the next one before it begins. */
  readonly hurry: () => void;
}

export function createGathering(): Gathering {
  let isHurried = false;
  let end: (() => void) | undefined;
  return {
    async wait() {
      if (!isHurried) {
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, gatherMs);
          end = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      end = undefined;
      isHurried = false;
    },
    hurry() {
      isHurried = true;
      end?.();
    },
  };
}
