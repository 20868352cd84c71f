import type { ProfileUse } from '@authmesh/agent/core/event';
import type { Instant } from '@authmesh/shared/core/time';
import { holdReason } from './hold-mark.ts';

/** OpenClaw's words for what made a turn fail, over its releases (`failureCounts`, `cooldownReason` and the like). */
const failures: Readonly<Record<string, NonNullable<ProfileUse['failure']>>> = {
  auth: 'auth',
  auth_permanent: 'auth',
  session_expired: 'auth',
  rate_limit: 'rate-limit',
  overloaded: 'rate-limit',
  billing: 'quota',
  subscription_limit: 'quota',
};

/**
 * What one entry of `usageStats` says (2026.2.12 to 2026.6.1: in the store, or in `auth-state.json` beside it);
 * undefined where nothing is said that could be understood.
 */
export function readUse(stats: unknown): ProfileUse | undefined {
  if (typeof stats !== 'object' || stats === null) return undefined;
  const fields = withoutHold(stats as Readonly<Record<string, unknown>>);
  const usedAt = instantOf(fields.lastUsed);
  const failedAt = instantOf(fields.lastFailureAt);
  const pauses = [fields.cooldownUntil, fields.disabledUntil, fields.blockedUntil].map(instantOf);
  const ends = pauses.filter(end => end !== undefined);
  const pausedUntil = ends.length > 0 ? Math.max(...ends) : undefined;
  const failure = failedAt === undefined && pausedUntil === undefined ? undefined : failureOf(fields);
  if (usedAt === undefined && failedAt === undefined && pausedUntil === undefined) return undefined;
  return { usedAt, failedAt, failure, pausedUntil };
}

/** authmesh's own mark says nothing of a use. */
function withoutHold(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (fields.disabledReason !== holdReason) return fields;
  return { ...fields, disabledUntil: undefined, disabledReason: undefined };
}

/** The reason of the mark that stands there, else the one that was counted; releases before 2026.4.2 only count. */
function failureOf(fields: Readonly<Record<string, unknown>>): ProfileUse['failure'] {
  for (const reason of [fields.blockedReason, fields.disabledReason, fields.cooldownReason]) {
    if (typeof reason === 'string') return failures[reason] ?? 'other';
  }
  const counts = fields.failureCounts;
  if (typeof counts !== 'object' || counts === null) return 'other';
  const counted = Object.entries(counts).filter(([, count]) => typeof count === 'number' && count > 0);
  const kinds = new Set(counted.map(([reason]) => failures[reason] ?? 'other'));
  // Several kinds, and nothing that says which was the last.
  const [only] = kinds;
  return kinds.size === 1 ? only : 'other';
}

function instantOf(value: unknown): Instant | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}
