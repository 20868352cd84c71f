import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import { claimsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { AgentState, Copy } from '../state.ts';

/** A mark that is older when it is first seen says nothing of what comes back now. */
const freshMsMax: Milliseconds = 2 * minute;

/** A provider's refusal that OpenClaw has just marked in a store is told to the coordinator. */
export function noteLimit(state: AgentState, before: Copy | undefined, after: Copy, at: Instant): void {
  const use = after.seen?.use;
  const { claims } = state;
  if (!use?.failedAt || (use.failure !== 'rate-limit' && use.failure !== 'quota')) return;
  // What stood there when this agent first looked is from before.
  if (!before?.seen || before.seen.use?.failedAt === use.failedAt || at - use.failedAt > freshMsMax) return;
  if (claims.signals.length >= claimsPerMessageMax) return;
  const resumesInMs = use.pausedUntil === undefined ? undefined : Math.max(0, Math.round(use.pausedUntil - at));
  claims.signals.push({ account: after.account, profile: after.profile, kind: use.failure, resumesInMs });
  claims.isNews = true;
}
