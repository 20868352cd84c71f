import type { StoreId } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import { claimsPerMessageMax } from '@authmesh/shared/protocol/limits';
import type { RunningSessions } from '@authmesh/shared/protocol/permit';
import type { AgentState, Copy } from '../state.ts';

/** Whoever used a login so long ago is at work. */
const atWorkMs: Milliseconds = minute;

/**
 * The sessions of this host that are at work, by login; OpenClaw notes every turn that went well (`lastUsed`). An agent
 * with several logins is at work with one of them: the one that it used last.
 */
export function runningSessions(state: AgentState, at: Instant): RunningSessions[] | undefined {
  const latest = new Map<StoreId, { readonly copy: Copy; readonly usedAt: Instant }>();
  for (const copy of state.copies.values()) {
    const usedAt = copy.seen?.use?.usedAt;
    if (usedAt === undefined || usedAt > at || at - usedAt >= atWorkMs) continue;
    if (usedAt > (latest.get(copy.store)?.usedAt ?? 0)) latest.set(copy.store, { copy, usedAt });
  }
  const running = new Map<string, RunningSessions>();
  for (const [store, { copy }] of latest) {
    const { account, profile } = copy;
    const key = `${account} ${profile}`;
    const sessions = (running.get(key)?.sessions ?? 0) + (state.config.layout?.get(store)?.sessions ?? 1);
    running.set(key, { account, profile, sessions });
  }
  return running.size === 0 ? undefined : [...running.values()].slice(0, claimsPerMessageMax);
}
