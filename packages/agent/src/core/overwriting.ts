import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import type { AgentEffect } from './effect.ts';
import type { SeenProfile } from './event.ts';
import type { Copy } from './state.ts';

/*
 * A gateway of OpenClaw 2026.2.26 to 2026.3.22 writes its own copy over what was delivered, on every turn, until it has
 * read its store anew (field/openclaw-stores.md, 2.6). What it wrote is an ancestor, so it is delivered again, and the
 * gateway told again; where that does not help it is said, and tried once a minute.
 */

/** What was last delivered to a copy, and how often what it had replaced came back. */
export interface Delivered {
  readonly access: Fingerprint;
  readonly replaced?: Fingerprint | undefined;
  readonly rounds: number;
}

/** Rounds after which it is no coincidence. */
const roundsMax = 3;
const retryMs: Milliseconds = minute;

/** A delivery ended well: what it replaced may come back. */
export function deliveredNow({ writing, delivered }: Copy): Delivered | undefined {
  if (!writing || writing.takesRefreshOnly) return delivered;
  const replaced = writing.replaces?.access;
  if (replaced === writing.access) return delivered;
  return { access: writing.access, replaced, rounds: delivered?.access === writing.access ? delivered.rounds : 0 };
}

/** The copy with its trouble, where what was delivered has been written over once more. */
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
  const rounds = delivered.rounds + 1;
  effects.push(note('delivery-overwritten', { store, profile, account }));
  const counted = { ...copy, delivered: { ...delivered, rounds } };
  if (rounds < roundsMax) return counted;
  const trouble = `overwritten by the gateway: OpenClaw has put its old login back ${rounds} times; restart its gateway, or see that \`openclaw secrets reload\` works`;
  return { ...counted, trouble, retryAt: at + retryMs };
}
