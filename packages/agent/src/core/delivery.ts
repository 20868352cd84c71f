import type { CopyKey, Fingerprint } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, isUsable, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import { creationFailed } from './adoption.ts';
import { formFor, isCovered, isRenewedHere } from './coverage.ts';
import type { AgentEffect, CredentialForm } from './effect.ts';
import type { SeenProfile, WriteOutcome } from './event.ts';
import { isDoubted } from './fence.ts';
import { profileObserved } from './observation.ts';
import { report } from './report.ts';
import type { AgentState, Copy } from './state.ts';

const changedRetryMs: Milliseconds = second;
const lockedRetryMs: Milliseconds = 2 * second;
const failedRetryMsBase: Milliseconds = second;
const failedRetryMsMax: Milliseconds = minute;

/** Starts the delivery that a copy is due, if it is due one. */
export function deliver(state: AgentState, key: CopyKey, at: Instant, effects: AgentEffect[]): void {
  const copy = state.copies.get(key);
  const facts = copy && state.accounts.get(copy.account);
  // Asked after every event, of every copy: the cheap questions come first.
  if (!copy?.seen || !facts) return;
  const due = dueForm(state, copy, facts, at);
  if (!due || !mayWrite(state, copy, at)) return;
  const { store, profile, account, seen } = copy;
  // Invariant I10: whoever spent a spent refresh token once more would end the login.
  const form = due === 'full' && isRenewedHere(state, facts) ? 'bearer' : due;
  if (form !== due && seen.access === facts.access) return;
  state.copies.set(key, { ...copy, writing: { access: facts.access, form, replaces: seen } });
  effects.push({
    type: 'write-credential',
    store,
    profile,
    account,
    expected: { access: seen.access, refresh: seen.refresh },
    access: facts.access,
    refresh: facts.refresh,
    form,
  });
}

/** Starts every delivery that is due for an account's copies, or for all. */
export function deliverAll(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  for (const key of state.copies.keys()) deliver(state, key, at, effects);
}

function mayWrite(state: AgentState, copy: Copy, at: Instant): boolean {
  if (state.link.phase === 'draining' || copy.writing) return false;
  // Invariant I7: what cannot be understood is never written.
  if (state.stores.get(copy.store)?.state !== 'readable') return false;
  if (copy.retryAt !== undefined && copy.retryAt > at) return false;
  return isCovered(state, copy.account, copy.profile);
}

/** The form to write, or undefined when the copy is as it should be or not ours to change. */
function dueForm(state: AgentState, copy: Copy, facts: AnnouncementFacts, at: Instant): CredentialForm | undefined {
  const { seen, judged } = copy;
  if (!seen || !judged || judged.access !== seen.access) return undefined;
  switch (judged.verdict) {
    case 'stale':
      return seen.access === facts.access ? undefined : formOf(state, copy, facts);
    case 'unfit':
      return isUsable(facts.expiresAt, at - state.clockOffsetMs) ? formOf(state, copy, facts) : undefined;
    case 'in-step': {
      if (seen.access !== facts.access || facts.refresh === undefined) return undefined;
      const form = formOf(state, copy, facts);
      // The last one that is left is never taken away: the home may be a host that is gone.
      if (form === 'bearer' && !judged.held) return undefined;
      return isInOtherForm(seen.refresh, facts.refresh, form) ? form : undefined;
    }
    default:
      return undefined;
  }
}

function formOf(state: AgentState, copy: Copy, facts: AnnouncementFacts): CredentialForm {
  return isDoubted(copy, facts) ? 'bearer' : formFor(state, facts, copy.profile);
}

/** The right login in the wrong form: a refresh token too many, or one too few. */
function isInOtherForm(refresh: Fingerprint | undefined, current: Fingerprint, form: CredentialForm): boolean {
  return form === 'bearer' ? refresh === current : refresh === undefined;
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
  switch (outcome.result) {
    case 'written': {
      state.copies.set(key, { ...settled, trouble: undefined, attempts: 0, retryAt: undefined });
      const facts = state.accounts.get(account);
      effects.push(note('credential-written', { store, profile, account, revision: facts?.position.revision }));
      profileObserved(state, store, outcome.seen, true, at, effects);
      // Something else was seen there meanwhile: which of the two stands now, the disk says.
      if (isOvertaken(copy, outcome.seen)) effects.push({ type: 'reread', store });
      return;
    }
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
