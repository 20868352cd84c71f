import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import { claimsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { RunningSessions } from '@authmesh/shared/protocol/permit';
import type { AgentState } from '../state.ts';

/** Whoever used a login so long ago is at work. */
const atWorkMs: Milliseconds = minute;

/** The sessions of this host that are at work, by login; OpenClaw notes every turn that went well (`lastUsed`). */
export function runningSessions(state: AgentState, at: Instant): RunningSessions[] | undefined {
  const running = new Map<string, RunningSessions>();
  for (const { store, account, profile, seen } of state.copies.values()) {
    const usedAt = seen?.use?.usedAt;
    if (usedAt === undefined || usedAt > at || at - usedAt >= atWorkMs) continue;
    const key = `${account} ${profile}`;
    const sessions = (running.get(key)?.sessions ?? 0) + (state.config.layout?.get(store)?.sessions ?? 1);
    running.set(key, { account, profile, sessions });
  }
  return running.size === 0 ? undefined : [...running.values()].slice(0, claimsPerMessageMax);
}
