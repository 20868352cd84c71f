import type { ProfileId } from '@authmesh/shared/core/identifiers';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { type ReplaceOutcome, replaceSteps } from './durable-file.ts';
import type { FileSignature } from './store-file.ts';
import type { LockOptions, LockOutcome } from './store-lock.ts';

/** Moments of a transaction at which a crash must leave the old row or the new one. */
export const transactionSteps = ['begun', 'row-updated', 'committed'] as const;
export const writeSteps = [...replaceSteps, ...transactionSteps] as const;
/** Told at each step of a replacement; tests crash or fail there. */
export type AtStep = (step: (typeof writeSteps)[number]) => void | Promise<void>;

/** What stands in a store: the text of its profiles, or why nothing is read from it or written to it. */
export type StoreRead =
  | {
      readonly state: 'read';
      /** `{"version": 1, "profiles": {…}}`, whatever it is kept in. */
      readonly text: string;
      /** OpenClaw's own statistics, where they are kept beside the profiles. */
      readonly beside?: string | undefined;
      readonly signature: FileSignature;
      /** The file itself, symbolic links followed. */
      readonly target: string;
    }
  | { readonly state: 'absent' }
  /** `passing`: it may be gone at the next look (somebody is just writing). */
  | { readonly state: 'refused'; readonly reason: string; readonly passing: boolean };

export interface ReplaceTextOptions {
  readonly at?: AtStep | undefined;
  /** Asked when everything else is ready; false: nothing is replaced, and that is `lapsed`. */
  readonly mayStill?: (() => boolean) | undefined;
}

/** What became of a store's text that was to be replaced. */
export interface Replacement {
  readonly outcome: ReplaceOutcome;
  readonly missed?: Missed | undefined;
}

/** The store's last word, which the store lacks: saved without a lock into the file that was just replaced. */
export interface Missed {
  /** What was saved into the replaced file after it was read. */
  readonly late: string;
  /** What stands in the store instead. */
  readonly ours: string;
  /**
   * Gives the store `late` as it was saved, tried until `deadline` (of `performance.now()`), once at least. Returns the
   * system's name of what stood in the way, if it could not be.
   */
  readonly putBack: (deadline: Milliseconds) => Promise<string | undefined>;
}

/**
 * One way in which OpenClaw keeps a store. The text of the profiles is the same in all of them; where it stands, what
 * tells that it changed, and how it is replaced without losing anybody's word, is each one's own.
 */
export interface StorePort {
  /** Whether reading it looks like a change to a watcher: then only what has a new signature is read again. */
  readonly readingShows: boolean;
  /** Reads without waiting; never throws. */
  readonly read: (store: string) => StoreRead;
  /** What changes whenever the store may have changed; undefined where there is none. */
  readonly peek: (store: string) => FileSignature | undefined;
  /** Keeps OpenClaw out from the reading to the replacing, where its release knows such a lock. */
  readonly lock: (store: string, options: LockOptions) => Promise<LockOutcome>;
  /** Puts `text` in place of what was read, unless somebody changed that in between. A crash leaves the old or the new one. */
  readonly replace: (
    store: string,
    read: StoreRead,
    text: string,
    options?: ReplaceTextOptions,
  ) => Promise<Replacement>;
  /**
   * Lifts the profiles' marks of failed authentication that stand beside the credentials. These stand already: marks
   * that stay only delay the agent, so trouble here fails nothing and is told as a sentence. Resolves with whether any was lifted.
   */
  readonly liftMarks: (
    store: string,
    profiles: readonly ProfileId[],
    onTrouble: ((sentence: string) => void) | undefined,
  ) => Promise<boolean>;
}
