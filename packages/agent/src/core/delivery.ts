import type { CopyKey } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, minute, second, shiftExpiry } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import { creationFailed } from './adoption.ts';
import { custodyFor, isCovered, isRenewedHere } from './coverage.ts';
import { dueForm, formOf, hasFalseEnd } from './due-form.ts';
import type { AgentEffect } from './effect.ts';
import type { SeenProfile, WriteOutcome } from './event.ts';
import { profileObserved } from './observation.ts';
import { deliveredNow } from './overwriting.ts';
import { isAsking, isWorking, mayReplaceUntil, recoveryFailed, recoveryWritten, wakes } from './permit/recovery.ts';
import { report } from './report.ts';
import type { AgentState, Copy } from './state.ts';

const changedRetryMs: Milliseconds = second;
const lockedRetryMs: Milliseconds = 2 * second;
const failedRetryMsBase: Milliseconds = second;
const failedRetryMsMax: Milliseconds = minute;

/** Starts the delivery that a copy is due, if it is due one; the copy as it is then. */
export function withDelivery(state: AgentState, copy: Copy, at: Instant, effects: AgentEffect[]): Copy {
  const { store, profile, account, seen, judged, writing } = copy;
  // Asked after every event, of every copy: the cheap questions come first.
  if (!seen || !judged || writing || judged.access !== seen.access) return copy;
  const facts = state.accounts.get(account);
  const due = facts && dueForm(state, copy, seen, judged, facts, at);
  if (!facts || !due || !mayWrite(state, copy, at)) return copy;
  // Invariant I10: whoever spent a spent refresh token once more would end the login.
  const form = due === 'full' && isRenewedHere(state, facts) ? 'bearer' : due;
  const isCurrent = seen.access === facts.access;
  if (form !== due && isCurrent) return copy;
  // Its refresh token is one too many, and nothing else: that wakes nobody, and asks for no permit.
  if (form === 'bearer' && isCurrent && !hasFalseEnd(state, seen, facts, at)) {
    return state.elapsed < (state.askingUntil ?? 0) ? copy : withoutRefresh(state, copy, facts, effects);
  }
  const before = mayReplaceUntil(state, copy, facts, form, at, effects);
  if (before === undefined) return withoutRefresh(state, copy, facts, effects);
  effects.push({
    type: 'write-credential',
    store,
    profile,
    account,
    expected: { access: seen.access, refresh: seen.refresh },
    access: facts.access,
    refresh: facts.refresh,
    expiresAt: facts.expiresAt,
    form,
    before: Number.isFinite(before) ? before : undefined,
  });
  return { ...copy, writing: { access: facts.access, form, replaces: seen } };
}

/**
 * A login that has ended and waits for its turn keeps no refresh token meanwhile: OpenClaw would spend one that was used
 * up, and end the login for all. Nobody is woken by that.
 */
function withoutRefresh(state: AgentState, copy: Copy, facts: AnnouncementFacts, effects: AgentEffect[]): Copy {
  const { store, profile, account, seen } = copy;
  if (seen?.health !== 'sound' || seen.access === undefined || seen.refresh === undefined) return copy;
  // Its turn may be now: then the delivery takes the refresh token away by itself.
  if (custodyFor(state, account, profile) === 'copy' || isAsking(state, copy)) return copy;
  const { access, refresh } = seen;
  if (refresh === facts.refresh && formOf(state, copy, facts) === 'full') return copy;
  effects.push({
    type: 'write-credential',
    store,
    profile,
    account,
    expected: { access, refresh },
    access,
    expiresAt: shiftExpiry(seen.expiresAt, -state.clockOffsetMs),
    form: 'bearer',
    takesRefreshOnly: true,
  });
  return { ...copy, writing: { access, form: 'bearer', replaces: seen, takesRefreshOnly: true } };
}

/** Whether a copy is due a delivery that wakes sessions, or one is under way. */
export function isRecoveryDue(state: AgentState, key: CopyKey, at: Instant): boolean {
  const copy = state.copies.get(key);
  const facts = copy && state.accounts.get(copy.account);
  if (!copy?.seen || !facts) return false;
  const { seen, judged, writing } = copy;
  if (writing && !writing.takesRefreshOnly) return true;
  // It waits for the coordinator's word on what it holds now: that costs it no place in the line.
  if (!judged || judged.access !== seen.access) return !isWorking(seen, at);
  const form = dueForm(state, copy, seen, judged, facts, at);
  return form !== undefined && wakes(state, seen, facts, form, at) && mayWrite(state, copy, at);
}

function mayWrite(state: AgentState, copy: Copy, at: Instant): boolean {
  // What a host that leaves has put back is not taken away again.
  if (state.link.phase === 'draining' || state.leaving) return false;
  // Invariant I7: what cannot be understood is never written.
  if (state.stores.get(copy.store)?.state !== 'readable') return false;
  if (copy.retryAt !== undefined && copy.retryAt > at) return false;
  return isCovered(state, copy.account, copy.profile);
}

/** Whether the profile was seen to change while it was being written, to neither what was replaced nor what was written. */
function isOvertaken({ seen, writing }: Copy, written: SeenProfile): boolean {
  if (!seen || !writing?.replaces) return false;
  const isAs = (other: SeenProfile) => seen.access === other.access && seen.refresh === other.refresh;
  return !isAs(writing.replaces) && !isAs(written);
}

/** A delivery ended. */
export function writeSettled(
  state: AgentState,
  key: CopyKey,
  outcome: WriteOutcome,
  at: Instant,
  effects: AgentEffect[],
): void {
  const copy = state.copies.get(key);
  if (!copy) return;
  const { store, profile, account } = copy;
  if (!copy.seen && outcome.result !== 'written') return creationFailed(state, copy, outcome, at, effects);
  const settled: Copy = { ...copy, writing: undefined };
  const isRecovery = copy.writing?.takesRefreshOnly !== true;
  if (outcome.result !== 'written' && isRecovery) {
    if (outcome.stood) recoveryWritten(state, key, copy.seen?.use, effects);
    else recoveryFailed(state, key);
  }
  switch (outcome.result) {
    case 'written': {
      const delivered = deliveredNow(copy);
      state.copies.set(key, { ...settled, delivered, trouble: undefined, attempts: 0, retryAt: undefined });
      if (isRecovery) recoveryWritten(state, key, outcome.seen.use, effects);
      const revision = state.accounts.get(account)?.position.revision;
      effects.push(
        isRecovery
          ? note('credential-written', { store, profile, account, revision })
          : note('refresh-taken', { store, profile, account }),
      );
      profileObserved(state, store, outcome.seen, true, at, effects);
      // Something else was seen there meanwhile: which of the two stands now, the disk says.
      if (isOvertaken(copy, outcome.seen)) effects.push({ type: 'reread', store });
      return;
    }
    case 'lapsed':
      // Its turn comes again: it is asked for anew.
      state.copies.set(key, settled);
      effects.push(note('permit-lapsed', { store, profile, account }));
      return;
    case 'changed':
      // Another login there ends the wait: it is judged anew.
      state.copies.set(key, { ...settled, retryAt: at + changedRetryMs });
      effects.push(note('write-postponed', { store, profile, account, why: 'changed' }), { type: 'reread', store });
      return;
    case 'locked':
      state.copies.set(key, { ...settled, trouble: outcome.reason, retryAt: at + lockedRetryMs });
      effects.push(note('write-postponed', { store, profile, account, why: outcome.reason }));
      if (copy.trouble !== outcome.reason) report(state, key, at, effects);
      return;
    case 'failed': {
      const attempts = copy.attempts + 1;
      const delayMs = Math.min(failedRetryMsMax, failedRetryMsBase * 2 ** Math.min(attempts, 10));
      state.copies.set(key, { ...settled, trouble: outcome.reason, attempts, retryAt: at + delayMs });
      effects.push(note('write-failed', { store, profile, account, why: outcome.reason }));
      // The judgement stands; only the trouble is news.
      if (copy.trouble !== outcome.reason) report(state, key, at, effects);
      return;
    }
    default:
      outcome satisfies never;
  }
}
