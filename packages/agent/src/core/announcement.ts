import type { AccountId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { comparePositions } from '@authmesh/shared/core/position';
import type { Instant } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { Judgement } from '@authmesh/shared/protocol/down';
import { formFor, isVaulted } from './coverage.ts';
import type { AgentEffect } from './effect.ts';
import { isOverwritten } from './overwriting.ts';
import { reviewHole } from './refresh/hole.ts';
import { forgetLeaseOf } from './refresh/lease.ts';
import { keyOf, observationOf, publish, report } from './report.ts';
import { noteSpent } from './spent.ts';
import { type AgentState, accountsMax, type Copy } from './state.ts';
import { isToolAccount } from './tools.ts';

/** The fleet's current login of an account. Positions and generations only rise (invariant I3). */
export function announced(
  state: AgentState,
  facts: AnnouncementFacts,
  problem: string | undefined,
  at: Instant,
  effects: AgentEffect[],
): void {
  const { account, position, origin } = facts;
  const known = state.accounts.get(account);
  if (known && comparePositions(position, known.position) <= 0) {
    effects.push(note('announcement-old', { account, revision: position.revision }));
    return;
  }
  const refusal =
    problem ??
    (known && facts.generation < known.generation ? 'its generation is older than one already applied' : undefined);
  if (refusal !== undefined) {
    if (state.refusals.has(account) || state.refusals.size < accountsMax) state.refusals.set(account, refusal);
    effects.push(note('announcement-refused', { account, node: origin, revision: position.revision, why: refusal }));
    return;
  }
  if (!known && state.accounts.size >= accountsMax) {
    effects.push(note('queue-overflowed', { account }));
    return;
  }
  noteSpent(state, known, facts);
  state.accounts.set(account, facts);
  state.refusals.delete(account);
  forgetLeaseOf(state, facts, effects);
  state.epoch = Math.max(state.epoch, position.epoch);
  effects.push({ type: 'remember', memory: { kind: 'account', account: facts } });
  reviewHole(state, effects);
  for (const [key, copy] of state.copies) {
    if (copy.account !== account || !copy.seen) continue;
    const judged = judgedAfter(copy, facts, known);
    // What hindered a delivery that is not due any more is no trouble.
    const trouble = judged?.verdict === 'in-step' ? undefined : copy.trouble;
    const retryAt = isOverwritten(copy, facts.access) ? undefined : copy.retryAt;
    if (judged !== copy.judged || trouble !== copy.trouble || retryAt !== copy.retryAt)
      state.copies.set(key, { ...copy, judged, trouble, retryAt });
    // Logins beside the fleet's are looked at again: the new one may show where they belong.
    if ((!judged && isBeside(copy)) || isOneTooMany(state, copy, facts)) report(state, key, at, effects);
  }
  // It leaves the last store once enough disks hold it.
  if (state.link.phase === 'online' && isVaulted(state, facts)) {
    const known = [{ account, position, generation: facts.generation }];
    effects.push({ type: 'send', message: { type: 'acknowledge', observations: [], gone: [], known } });
  }
}

/** What an announcement says of a copy by itself. A copy that the coordinator has not judged waits for its word. */
function judgedAfter(
  { seen, judged }: Copy,
  facts: AnnouncementFacts,
  before: AnnouncementFacts | undefined,
): Copy['judged'] {
  const isJudged = judged !== undefined && judged.access === seen?.access;
  if (seen?.health === 'sound' && seen.access === facts.access) {
    // Whether its refresh token is in use the coordinator's word says, here of the same login at another place.
    const isSame = isJudged && facts.refresh === before?.refresh;
    const inUse = isSame ? judged.inUse : !isJudged || undefined;
    return { access: seen.access, verdict: 'in-step', why: 'it is the current login', inUse };
  }
  if (!isJudged) return judged;
  if (judged.verdict === 'in-step') return { ...judged, verdict: 'stale', why: 'a newer login was announced' };
  return judged.verdict === 'parallel' || judged.verdict === 'unlinked' ? undefined : judged;
}

/** A refresh token that ought to be at the home alone: the coordinator says whether it is there. */
function isOneTooMany(state: AgentState, { seen, profile, judged }: Copy, facts: AnnouncementFacts): boolean {
  // Without a judgement the coordinator's word is on its way already.
  if (!judged || seen?.access !== facts.access || seen.refresh === undefined) return false;
  return seen.refresh === facts.refresh && formFor(state, facts, profile) === 'bearer';
}

function isBeside({ judged }: Copy): boolean {
  return judged?.verdict === 'parallel' || judged?.verdict === 'unlinked';
}

/** The coordinator's word on copies that this host reported; `wanted` asks for the record. */
export function judged(state: AgentState, judgements: readonly Judgement[], effects: AgentEffect[]): void {
  for (const judgement of judgements) {
    const key = keyOf(judgement);
    const copy = state.copies.get(key);
    if (!copy?.seen || copy.seen.access !== judgement.access) continue;
    const { access, verdict, why, held, vaulted, inUse } = judgement;
    state.copies.set(key, { ...copy, judged: { access, verdict, why, held, vaulted, inUse } });
    if (verdict !== 'wanted') continue;
    const observation = observationOf(state, copy);
    if (observation) publish(state, observation, effects, judgement.generation);
  }
}

/** The accounts that this host has no copy of, those of other tools aside: their files are made by themselves alone. */
export function lackedAccounts(state: AgentState): AnnouncementFacts[] {
  const present = new Set<AccountId>();
  for (const copy of state.copies.values()) if (copy.seen) present.add(copy.account);
  return [...state.accounts.values()].filter(({ account }) => !present.has(account) && !isToolAccount(account));
}

/** The coordinator's store came back from a backup: what was announced here since is given back to it. */
export function recalled(state: AgentState, accounts: readonly AccountId[], effects: AgentEffect[]): void {
  for (const account of accounts) {
    const facts = state.accounts.get(account);
    if (facts) effects.push({ type: 'send', message: { type: 'recollection', facts } });
  }
}
