import { fraction } from '@authmesh/shared/core/chance';
import { type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import { nextLimit } from '@authmesh/shared/core/waves';

/**
 * How fast a pool may bring sessions back: a canary, then a limit that rises with success and falls with refusals, never
 * above the hard limit (`field/staggering.md`, 3, 4 and 8).
 *
 *     steady ──recovery──► canary ──came back──► ramp ──nothing waits──► steady
 *                            ▲  └──failed──► halted ──back-off over──┐      any ──quota──► closed ──reset──► canary
 *                            └───────────────────────────────────────┘
 */
export interface Pace {
  readonly phase: 'steady' | 'canary' | 'ramp' | 'halted' | 'closed';
  /** What may come back at once now (L). */
  readonly live: number;
  /** The last limit that is known to hold: up to here the limit doubles, above it rises by one. */
  readonly held: number;
  /** Sessions that still have to come back before the limit rises. */
  readonly left: number;
  /** The limit at which refusals were last seen; it is tried again only after many good rounds. */
  readonly wall?: number | undefined;
  /** Good rounds just below the wall. */
  readonly rounds: number;
  /** The limit was cut in this round already. */
  readonly isCut: boolean;
  /** Rises with each cut and each canary. A permit carries the number of its time: all that were let go under one are one burst. */
  readonly burst: number;
  /** Sessions refused at the wall, of one burst. */
  readonly refused: number;
  /** Canaries that failed in a row. */
  readonly failures: number;
  /** With `halted` and `closed`: until when, by the elapsed clock. */
  readonly until?: Milliseconds | undefined;
  readonly why?: string | undefined;
}

/** Sessions that were let go together. */
export interface Lot {
  readonly sessions: number;
  readonly burst: number;
}

/** Multiplicative decrease: what is left where one session was refused, and where half of them were (decision 0023). */
const keptMost = 0.7;
const keptLeast = 0.5;
/** Good rounds below a limit that was refused, before that one is tried again. */
const roundsBelowWall = 10;
const haltMsBase: Milliseconds = 5 * second;
const haltMsMax: Milliseconds = 5 * minute;

/** A pool that nothing is known of. */
export function createPace(limit: number): Pace {
  return {
    phase: 'steady',
    live: limit,
    held: limit,
    left: 0,
    rounds: 0,
    isCut: false,
    burst: 0,
    refused: 0,
    failures: 0,
  };
}

/** Stores begin to come back where nothing was: one goes first. */
export function recoveryBegan(pace: Pace): Pace {
  return pace.phase === 'steady' ? canary(pace) : pace;
}

/** One goes first, and no other says anything of it. */
function canary(pace: Pace): Pace {
  return { ...pace, phase: 'canary', live: 1, left: 1, isCut: false, burst: pace.burst + 1 };
}

/** The burst of sessions that came back without this coordinator's permit: nobody let them go as a canary. */
export function burstOfUnknown({ phase, burst }: Pace): number {
  return phase === 'canary' ? burst - 1 : burst;
}

/** Nothing comes back and nothing waits: what held is the limit until the next recovery. */
export function recoveryEnded(pace: Pace, limit: number): Pace {
  if (pace.phase !== 'canary' && pace.phase !== 'ramp') return pace;
  // A canary whose outcome nobody learned says nothing against what held before.
  return { ...pace, phase: 'steady', live: Math.min(pace.held, limit), left: 0, failures: 0, why: undefined };
}

/** Sessions are back: after a whole round of them the limit rises. */
export function cameBack(pace: Pace, { sessions, burst }: Lot, limit: number): Pace {
  if (pace.phase === 'halted' || pace.phase === 'closed') return pace;
  if (pace.phase === 'canary' && burst !== pace.burst) return pace;
  // Commands alone need no canary; what was cut for them rises again by them.
  if (pace.phase === 'steady' && pace.live >= limit) return pace;
  const phase = pace.phase === 'steady' ? 'steady' : 'ramp';
  if (pace.left > sessions) return { ...pace, phase, left: pace.left - sessions, failures: 0 };
  return { ...risen(pace, limit), phase, isCut: false, failures: 0, why: undefined };
}

/** What is waiting is larger than the limit, and nothing is under way that could raise it. */
export function stoodIdle(pace: Pace, limit: number): Pace {
  return pace.phase === 'canary' || pace.phase === 'ramp' ? risen(pace, limit) : pace;
}

function risen(pace: Pace, limit: number): Pace {
  const next = nextLimit(pace.live, pace.held, limit);
  const rounds = pace.rounds + 1;
  if (pace.wall !== undefined && next >= pace.wall) {
    if (rounds < roundsBelowWall) return { ...pace, rounds, left: pace.live };
    return { ...pace, live: next, held: Math.max(pace.held, next), wall: undefined, rounds: 0, left: next };
  }
  // What went well for a whole round holds; above it the limit feels its way.
  return { ...pace, live: next, held: Math.max(pace.held, pace.live), rounds, left: next };
}

/** Sessions failed to come back: a canary halts the recovery, any other lowers the limit. */
export function failedToReturn(pace: Pace, lot: Lot, why: string, now: Milliseconds, seed: number): Pace {
  if (pace.phase === 'ramp' || pace.phase === 'steady') return { ...refused(pace, lot), why };
  if (pace.phase !== 'canary' || lot.burst !== pace.burst) return pace;
  const failures = pace.failures + 1;
  const ceiling = Math.min(haltMsMax, haltMsBase * 2 ** Math.min(failures, 10));
  // Full jitter over the upper half: at least half of the wait is a wait.
  const until = now + ceiling / 2 + Math.floor((fraction(seed) * ceiling) / 2);
  return { ...pace, phase: 'halted', live: 1, left: 1, failures, until, why: `the first session failed: ${why}` };
}

/** A refusal of sessions whose time is known: of the burst that led to the last cut, or the reason for a new one. */
function refused(pace: Pace, { sessions, burst }: Lot): Pace {
  if (burst === pace.burst) return cut(pace, pace.live, sessions);
  // Of a burst that was long ago, or that good rounds have outdated: it says nothing of the limit now.
  if (burst !== pace.burst - 1 || !pace.isCut || pace.wall === undefined) return pace;
  const again = cut(pace, pace.wall, pace.refused + sessions);
  return again.live < pace.live ? { ...again, burst: pace.burst } : { ...pace, refused: again.refused };
}

/** The provider refused for too many at once, nobody knows whom: the limit falls, at most once a round. */
export function limited(pace: Pace): Pace {
  // A canary is as few as there can be, and its own outcome says more.
  if (pace.isCut || (pace.phase !== 'steady' && pace.phase !== 'ramp')) return pace;
  return cut(pace, pace.live, 0);
}

/** From the wall down to what stood there, within seven tenths and a half of it. */
function cut(pace: Pace, wall: number, refused: number): Pace {
  const kept = Math.min(Math.floor(wall * keptMost), Math.max(Math.floor(wall * keptLeast), wall - refused));
  const live = Math.max(1, kept);
  return { ...pace, live, held: live, left: live, wall, rounds: 0, isCut: true, burst: pace.burst + 1, refused };
}

/** The provider's quota is used up: nothing comes back before it is renewed. */
export function exhausted(pace: Pace, until: Milliseconds, why: string): Pace {
  const end = pace.phase === 'closed' ? Math.max(until, pace.until ?? until) : until;
  return { ...pace, phase: 'closed', until: end, why };
}

/** A halt or a closure that is over begins again with a canary. */
export function resumed(pace: Pace, now: Milliseconds): Pace {
  if (pace.until === undefined || pace.until > now) return pace;
  return { ...canary(pace), until: undefined };
}

/** The operator changed the hard limit. */
export function withLimit(pace: Pace, before: number, limit: number): Pace {
  if (limit === before) return pace;
  // What was learned under a lower hard limit is no reason to stay below a higher one.
  const held = pace.held === before || limit < pace.held ? limit : pace.held;
  const live = pace.phase === 'steady' ? Math.min(held, limit) : Math.min(pace.live, limit);
  return { ...pace, held, live, left: Math.min(pace.left, live) };
}
