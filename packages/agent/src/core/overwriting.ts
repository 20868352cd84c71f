import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import type { AgentEffect } from './effect.ts';
import type { SeenProfile } from './event.ts';
import type { Copy } from './state.ts';

/*
 * A gateway of OpenClaw 2026.2.26 to 2026.3.22 writes its own copy over what was delivered, on every turn, until it has
 * read its store anew (field/openclaw-stores.md, 2.6). It is told to, and takes what stands there when that reaches it,
 * seconds later: of a gateway that works all the time this is its own old login, unless the delivery is repeated as often as
 * it is overwritten. So a round is as long as a reload may take, with a delivery after each overwriting; where three did
 * not help it is said, and one more is tried each minute.
 */

/** What was last delivered to a copy, and how what it had replaced came back. */
export interface Delivered {
  readonly access: Fingerprint;
  readonly replaced?: Fingerprint | undefined;
  /** Rounds that were begun. */
  readonly rounds: number;
  /** Until then what is overwritten belongs to the last one. */
  readonly roundEnds?: Instant | undefined;
}

/** Rounds after which it is no coincidence. */
const roundsMax = 3;
/** Deliveries are gathered for 0.2 s, and a reload takes 1.5 to 4 s (2026.3.13). */
const roundMs: Milliseconds = 5 * second;
const retryMs: Milliseconds = minute;

/** A delivery ended well: what it replaced may come back. */
export function deliveredNow({ writing, delivered }: Copy): Delivered | undefined {
  if (!writing || writing.takesRefreshOnly) return delivered;
  const replaced = writing.replaces?.access;
  if (replaced === writing.access) return delivered;
  if (delivered?.access === writing.access) return { ...delivered, replaced };
  return { access: writing.access, replaced, rounds: 0 };
}

/** Whether a copy waits because an earlier login than this one was written over: the new one has its own rounds. */
export function isOverwritten({ delivered }: Copy, access: Fingerprint): boolean {
  return delivered !== undefined && delivered.rounds > roundsMax && delivered.access !== access;
}

/** The copy with its next attempt, and its trouble, where what was delivered has been written over once more. */
export function withOverwriting(
  before: Copy | undefined,
  copy: Copy,
  seen: SeenProfile,
  at: Instant,
  effects: AgentEffect[],
): Copy {
  const delivered = before?.delivered;
  if (!delivered || before.seen?.access !== delivered.access || seen.access === undefined) return copy;
  if (seen.access !== delivered.replaced) return copy;
  const { store, profile, account } = copy;
  const isSameRound = delivered.roundEnds !== undefined && at < delivered.roundEnds;
  const rounds = isSameRound ? delivered.rounds : delivered.rounds + 1;
  const trouble =
    rounds > roundsMax
      ? `overwritten by the gateway: OpenClaw goes on putting its old login back, after ${rounds - 1} rounds of deliveries; restart its gateway, or see that \`openclaw secrets reload\` works`
      : copy.trouble;
  if (isSameRound) return { ...copy, trouble };
  effects.push(note('delivery-overwritten', { store, profile, account }));
  const begins = rounds > roundsMax ? at + retryMs : at;
  const counted = { ...copy, trouble, delivered: { ...delivered, rounds, roundEnds: begins + roundMs } };
  return rounds > roundsMax ? { ...counted, retryAt: begins } : counted;
}
