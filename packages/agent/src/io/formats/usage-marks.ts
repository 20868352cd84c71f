import { readJson, setFields } from './json-document.ts';

/** OpenClaw's words for a failure that a fresh login heals; rate limits and billing are none of them. */
const authReasons: ReadonlySet<string> = new Set(['auth', 'auth_permanent', 'session_expired']);

/**
 * Lifts OpenClaw's own cooldown and disabled marks of `profile` where an authentication failure caused them, in a
 * document that has `usageStats` (the store itself, or `auth-state.json` from 2026.4.7 on). Marks of any other cause
 * stay. A document without such marks, or one that cannot be understood, comes back as it was.
 */
export function liftAuthMarks(text: string, profile: string): string {
  const path = ['usageStats', profile];
  const stats = at(at(parse(text), 'usageStats'), profile);
  const counts = at(stats, 'failureCounts');
  const { auth, others } = countFailures(counts);
  const cooldownReason = at(stats, 'cooldownReason');
  // Releases before 2026.4.2 don't say what a cooldown is for: their counters of the same window do.
  const isAuthCooldown =
    typeof cooldownReason === 'string' ? authReasons.has(cooldownReason) : auth > 0 && others === 0;
  const disabledReason = at(stats, 'disabledReason');
  const isAuthDisabled = typeof disabledReason === 'string' && authReasons.has(disabledReason);
  const errors = at(stats, 'errorCount');

  if (!isAuthCooldown && !isAuthDisabled && auth === 0) return text;
  if (readJson(text).state !== 'read') return text;

  const changes: Record<string, number | undefined> = {};
  if (isAuthCooldown) {
    for (const field of ['cooldownUntil', 'cooldownReason', 'cooldownModel', 'cooldownClassification']) {
      changes[field] = undefined;
    }
  }
  if (isAuthDisabled) {
    changes.disabledUntil = undefined;
    changes.disabledReason = undefined;
  }
  if (auth > 0 && typeof errors === 'number') changes.errorCount = Math.max(0, errors - auth);
  if (auth > 0 && others === 0) changes.failureCounts = undefined;
  const lifted = setFields(text, path, changes);
  if (auth === 0 || others === 0) return lifted;
  const gone = Object.fromEntries([...authReasons].map(reason => [reason, undefined]));
  return setFields(lifted, [...path, 'failureCounts'], gone);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function countFailures(counts: unknown): { readonly auth: number; readonly others: number } {
  let auth = 0;
  let others = 0;
  if (typeof counts === 'object' && counts !== null) {
    for (const [reason, count] of Object.entries(counts)) {
      if (typeof count !== 'number' || count <= 0) continue;
      if (authReasons.has(reason)) auth += count;
      else others += count;
    }
  }
  return { auth, others };
}
