import type { SeenHold } from '@authmesh/agent/core/event';
import type { ProfileId } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';
import { hasObject, setFields } from './json-document.ts';

/**
 * The mark that holds an agent back: OpenClaw's own `disabledUntil`, in the agent's own `usageStats`, with a reason that
 * says whose mark it is. OpenClaw 2026.2.12 asks for it at every turn, an agent's own statistics come before those of
 * its main agent, and it ends by itself ([decision 0022](../../../../../docs/decisions/0022-marks-that-hold.md)).
 */
export const holdReason = 'authmesh-hold';

/** The marks of a store's `usageStats`: for which profiles, and until when the last of them; undefined where there are none. */
export function readHold(uses: Readonly<Record<string, unknown>> | undefined): SeenHold | undefined {
  const profiles: ProfileId[] = [];
  let until: Instant | undefined;
  for (const [profile, stats] of Object.entries(uses ?? {})) {
    const end = endOf(stats);
    if (end === undefined) continue;
    profiles.push(profile as ProfileId);
    until = Math.max(until ?? end, end);
  }
  return until === undefined ? undefined : { until, profiles };
}

/** The store with the mark on each of `profiles` and on no others; OpenClaw's own pauses stay, and so does every other byte. */
export function placeHold(text: string, profiles: readonly ProfileId[], until: Instant, now: Instant): string {
  const fields = { disabledUntil: until, disabledReason: holdReason };
  const bare = liftHold(text, new Set(profiles));
  let marked = hasObject(bare, ['usageStats']) ? bare : setFields(bare, [], { usageStats: {} });
  for (const profile of profiles) {
    const stats = statsOf(marked)[profile];
    if (isDisabledOtherwise(stats, now)) continue;
    marked = hasObject(marked, ['usageStats', profile])
      ? setFields(marked, ['usageStats', profile], fields)
      : setFields(marked, ['usageStats'], { [profile]: fields });
  }
  return marked;
}

/** The store without the marks, but for those of `kept`. The entries stay: without one, OpenClaw would go by the main agent's. */
export function liftHold(text: string, kept: ReadonlySet<ProfileId> = new Set()): string {
  const held = (readHold(statsOf(text))?.profiles ?? []).filter(profile => !kept.has(profile));
  const gone = { disabledUntil: undefined, disabledReason: undefined };
  return held.reduce((lifted, profile) => setFields(lifted, ['usageStats', profile], gone), text);
}

/** The profiles of a store's text that have such a mark. */
export function heldIn(text: string | undefined): readonly ProfileId[] {
  return (text === undefined ? undefined : readHold(statsOf(text)))?.profiles ?? [];
}

function statsOf(text: string): Readonly<Record<string, unknown>> {
  const { usageStats } = JSON.parse(text) as { readonly usageStats?: unknown };
  return typeof usageStats === 'object' && usageStats !== null ? (usageStats as Record<string, unknown>) : {};
}

function endOf(stats: unknown): Instant | undefined {
  if (typeof stats !== 'object' || stats === null) return undefined;
  const { disabledUntil, disabledReason } = stats as Readonly<Record<string, unknown>>;
  if (disabledReason !== holdReason || typeof disabledUntil !== 'number') return undefined;
  return Number.isFinite(disabledUntil) && disabledUntil > 0 ? disabledUntil : undefined;
}

/** The provider's word on billing is not ours to change. */
function isDisabledOtherwise(stats: unknown, now: Instant): boolean {
  if (typeof stats !== 'object' || stats === null) return false;
  const { disabledUntil, disabledReason } = stats as Readonly<Record<string, unknown>>;
  return disabledReason !== holdReason && typeof disabledUntil === 'number' && disabledUntil > now;
}
