import type { CopyKey, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { type Instant, isUsable, type Milliseconds } from '@authmesh/shared/core/time';
import { isCovered } from './coverage.ts';
import { isRecoveryDue } from './delivery.ts';
import type { AgentState, Copy } from './state.ts';

/** How far the healing of this host's stores has come. */
export interface Repair {
  /** `away`: without the coordinator nothing is known to be fresher. `done`: all that may be healed now is. */
  readonly phase: 'away' | 'busy' | 'done';
  /** Copies that have a usable login to come and wait for their turn in a pool. */
  readonly waiting: readonly WaitingCopy[];
}

export interface WaitingCopy {
  readonly store: StoreId;
  readonly profile: ProfileId;
  /** 1: next; absent where others of this host come first. */
  readonly place?: number | undefined;
  readonly etaMs?: Milliseconds | undefined;
}

/** Looks at what is judged, being written, and in line. */
export function repairOf(state: AgentState, at: Instant): Repair {
  if (state.link.phase !== 'online') return { phase: 'away', waiting: [] };
  const waiting: WaitingCopy[] = [];
  let isBusy = !state.link.synced;
  for (const [key, copy] of state.copies) {
    if (!copy.seen || !isCovered(state, copy.account, copy.profile)) continue;
    if (isUndecided(copy)) isBusy = true;
    else if (isRecoveryDue(state, key, at)) {
      const turn = turnOf(state, key, copy, at);
      if (turn === 'now') isBusy = true;
      else if (turn) waiting.push(turn);
    }
  }
  return { phase: isBusy ? 'busy' : 'done', waiting };
}

/** The coordinator's word on it is out, or a delivery is under way or tried again soon. */
function isUndecided({ seen, judged, reportedAt, writing, retryAt }: Copy): boolean {
  if (writing || retryAt !== undefined) return true;
  if (reportedAt === undefined) return false;
  return judged === undefined || judged.verdict === 'wanted' || judged.access !== seen?.access;
}

function turnOf(state: AgentState, key: CopyKey, copy: Copy, at: Instant): WaitingCopy | 'now' | undefined {
  const { store, profile, account } = copy;
  const facts = state.accounts.get(account);
  if (!facts || !isUsable(facts.expiresAt, at - state.clockOffsetMs)) return undefined;
  const claim = state.claims.byId.get(state.claims.byCopy.get(key) ?? 0);
  if (!claim) return { store, profile };
  if (claim.phase !== 'waiting') return 'now';
  // Until the coordinator has answered, it may grant it at once.
  if (!claim.queued) return claim.refusal === undefined ? 'now' : undefined;
  return { store, profile, place: claim.queued.place, etaMs: claim.queued.etaMs };
}
