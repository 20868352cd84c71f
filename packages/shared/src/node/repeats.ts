import type { Note, NoteName } from '@authmesh/shared/core/notes';
import { hour, type Instant } from '@authmesh/shared/core/time';

/** A failure that goes on is said aloud again after this long. */
const loudAgainMs = hour;
/** Most failures that are remembered; the one heard of longest ago makes room. */
const failuresMax = 1_000;

/** What ends a failure: after it, the next one of the same thing is news again. */
const recoveries: Partial<Record<NoteName, readonly NoteName[]>> = {
  'link-opened': ['link-lost', 'link-refused'],
  'store-recovered': ['store-quarantined'],
  'store-appeared': ['store-vanished'],
  'credential-written': ['write-failed', 'credential-unfit'],
  'credential-accepted': ['credential-parallel', 'credential-unlinked'],
};

interface Failure {
  readonly note: Note;
  readonly loudAt: Instant;
  readonly count: number;
}

/** Counts identical failures, so that each is loud once and quiet while it goes on. */
export interface Repeats {
  /** How often this very failure was noted, this time included, and whether to say it aloud. */
  readonly hear: (note: Note, now: Instant) => { readonly count: number; readonly loud: boolean };
  /** Forgets the failures that a good note ends. */
  readonly recover: (note: Note) => void;
}

export function createRepeats(): Repeats {
  const failures = new Map<string, Failure>();
  return {
    hear(note, now) {
      const key = JSON.stringify([note.name, note.account, note.profile, note.store, note.node, note.why]);
      const known = failures.get(key);
      const count = (known?.count ?? 0) + 1;
      const loud = known === undefined || now - known.loudAt >= loudAgainMs;
      failures.delete(key);
      failures.set(key, { note, loudAt: loud ? now : (known?.loudAt ?? now), count });
      const [oldest] = failures.keys();
      if (failures.size > failuresMax && oldest !== undefined) failures.delete(oldest);
      return { count, loud };
    },
    recover(note) {
      const ended = recoveries[note.name];
      if (!ended) return;
      for (const [key, failure] of failures) {
        if (ended.includes(failure.note.name) && isSameThing(failure.note, note)) failures.delete(key);
      }
    },
  };
}

function isSameThing(failure: Note, good: Note): boolean {
  return (
    (good.store === undefined || failure.store === undefined || failure.store === good.store) &&
    (good.profile === undefined || failure.profile === undefined || failure.profile === good.profile) &&
    (good.account === undefined || failure.account === undefined || failure.account === good.account)
  );
}
