import { type CopyKey, copyKey } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import type { AgentEffect } from '../effect.ts';
import type { ControlRequest, WriteOutcome } from '../event.ts';
import { askOverview } from '../overview-question.ts';
import { sendInventory } from '../report.ts';
import type { AgentState } from '../state.ts';
import { finish, refuse, reply, resume } from './ending.ts';
import type { Leaving } from './leaving.ts';
import { keptTokens, type LeavePlan, type LoginPlan, planLeave, tokensOf, underWay } from './plan.ts';
import { keepLooking } from './watch.ts';

/** A lease's exchange is waited for, and a store that OpenClaw has locked. */
const leaveMsMax: Milliseconds = minute;
/** The coordinator is asked anew after this. */
const answerMsMax: Milliseconds = 5 * second;
/** How long what was put back is left alone by an agent that somebody is about to stop. */
const restMs: Milliseconds = 2 * minute;

/** An operator ends this host's membership, or its agent's work, and has agreed to what that comes to. */
export function leaveAsked(
  state: AgentState,
  request: number,
  { ends, agreed }: Extract<ControlRequest, { op: 'leave' }>,
  effects: AgentEffect[],
): void {
  if (state.leaving && state.leaving.phase !== 'resting')
    return reply(request, { phase: 'refused', code: 'busy', why: 'this host is leaving already' }, effects);
  // It is none any more: there is nothing to end.
  if (state.link.isUnknown) return finish(state, begun(state, request, { ends, agreed }), null, effects);
  if (state.link.phase !== 'online')
    return reply(request, { phase: 'refused', code: 'away', why: state.link.problem ?? 'the link is gone' }, effects);
  look(state, begun(state, request, { ends, agreed }), effects);
  keepLooking(effects);
}

function begun(state: AgentState, request: number, terms: Pick<Leaving, 'ends' | 'agreed'>): Leaving {
  const until = state.elapsed + leaveMsMax;
  // What an earlier step has told the coordinator still holds.
  const withheld = state.leaving?.withheld ?? [];
  return { phase: 'settling', request, ...terms, until, withheld, writes: [], restored: [] };
}

/** Time has passed. */
export function pursueLeave(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  const { leaving, link } = state;
  if (!leaving || leaving.phase === 'left') return;
  if (state.elapsed >= leaving.until) {
    if (leaving.phase === 'resting') return resume(state, at, effects);
    const why = leaving.waitsFor ?? 'the coordinator did not answer in time';
    return refuse(state, 'busy', why, at, effects);
  }
  keepLooking(effects);
  if (!link.synced) return;
  if (leaving.phase === 'settling' && isDue(leaving, state.elapsed)) look(state, leaving, effects);
  // Asked on a link that is gone since.
  if (leaving.phase === 'parting' && leaving.question === undefined) part(state, leaving, effects);
}

/** The fleet as it is now was told: the next step, if nothing is under way. */
export function leaveTold(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  if (state.leaving?.phase !== 'settling') return;
  const leaving = { ...state.leaving, askedAt: undefined };
  const plan = planLeave(state, true);
  const changed = disagreement(leaving, plan);
  if (changed !== undefined) return refuse(state, 'changed', changed, at, effects);
  const waitsFor = underWay(state, plan);
  if (waitsFor !== undefined) {
    state.leaving = { ...leaving, waitsFor };
    return;
  }
  const tokens = tokensOf(state, plan);
  // Before they stand in a store nobody else may get a lease of them: what was told after this was told knows of it.
  if (tokens.some(token => !leaving.withheld.includes(token))) {
    state.leaving = { ...leaving, withheld: tokens };
    sendInventory(state, at, effects);
    return look(state, state.leaving, effects);
  }
  const restored = plan.logins.filter(({ fate }) => fate === 'restored');
  if (restored.length > 0) return restore(state, leaving, restored, effects);
  if (leaving.ends === 'membership') return part(state, leaving, effects);
  state.leaving = { ...leaving, phase: 'resting', until: state.elapsed + restMs };
  reply(leaving.request, { phase: 'restored', restored: leaving.restored }, effects);
}

function isDue({ askedAt }: Leaving, elapsed: Milliseconds): boolean {
  return askedAt === undefined || elapsed >= askedAt + answerMsMax;
}

/** Asks for the fleet as it is now. */
function look(state: AgentState, leaving: Leaving, effects: AgentEffect[]): void {
  state.leaving = { ...leaving, askedAt: state.elapsed };
  askOverview(state, effects);
}

/** What would happen that was not agreed to. */
function disagreement({ agreed }: Leaving, plan: LeavePlan): string | undefined {
  if (plan.isLast !== agreed.isLast)
    return plan.isLast
      ? 'this host is the last one of its fleet by now'
      : 'another host has joined the fleet meanwhile';
  const isAgreed = ({ account, fate }: LoginPlan) =>
    fate === 'ends' || agreed.logins.some(one => one.account === account && one.fate === fate);
  return plan.logins.every(isAgreed) ? undefined : 'the logins of this host have changed meanwhile';
}

/** Puts refresh tokens back, each into its one store: what was read back from there counts. */
function restore(state: AgentState, leaving: Leaving, logins: readonly LoginPlan[], effects: AgentEffect[]): void {
  const writes: CopyKey[] = [];
  for (const { account, store, profile } of logins) {
    const facts = state.accounts.get(account);
    const key = store === undefined ? undefined : copyKey(store, profile);
    const copy = key === undefined ? undefined : state.copies.get(key);
    if (!facts || !copy?.seen || key === undefined || store === undefined) continue;
    const { access, refresh, expiresAt } = facts;
    const expected = { access: copy.seen.access, refresh: copy.seen.refresh };
    effects.push({
      type: 'write-credential',
      store,
      profile,
      account,
      expected,
      access,
      refresh,
      expiresAt,
      form: 'full',
    });
    state.copies.set(key, { ...copy, writing: { access, form: 'full', replaces: copy.seen } });
    writes.push(key);
  }
  state.leaving = { ...leaving, phase: 'restoring', writes };
}

/** A delivery ended. */
export function leaveWritten(
  state: AgentState,
  key: CopyKey,
  outcome: WriteOutcome,
  at: Instant,
  effects: AgentEffect[],
): void {
  const { leaving } = state;
  const copy = state.copies.get(key);
  if (leaving?.phase !== 'restoring' || !copy || !leaving.writes.includes(key)) return;
  const { store, profile, account } = copy;
  if (outcome.result === 'failed') return refuse(state, 'failed', `${store}: ${outcome.reason}`, at, effects);
  const writes = leaving.writes.filter(other => other !== key);
  const isBack = outcome.result === 'written' && outcome.seen.refresh !== undefined;
  const restored = isBack ? [...leaving.restored, { account, profile, store }] : leaving.restored;
  const waitsFor = 'reason' in outcome ? `${store}: ${outcome.reason}` : leaving.waitsFor;
  state.leaving = { ...leaving, writes, restored, waitsFor, phase: writes.length > 0 ? 'restoring' : 'settling' };
  if (isBack) effects.push(note('refresh-restored', { store, profile, account }));
  if (writes.length === 0) look(state, state.leaving, effects);
}

/** Nothing is left to be put back: the membership ends, and the coordinator learns what stays in this host's stores. */
function part(state: AgentState, leaving: Leaving, effects: AgentEffect[]): void {
  const question = state.nextRequest++;
  state.leaving = { ...leaving, phase: 'parting', question };
  const keeps = keptTokens(state);
  effects.push({ type: 'send', message: { type: 'ask', request: question, question: { type: 'leave', keeps } } });
}

/** The coordinator's answer to the end of the membership. */
export function leaveAnswered(
  state: AgentState,
  request: number,
  body: AnswerBody,
  at: Instant,
  effects: AgentEffect[],
): void {
  const { leaving } = state;
  if (leaving?.phase !== 'parting' || leaving.question !== request) return;
  if (body.type === 'left') return finish(state, leaving, body.remaining, effects);
  if (body.type !== 'problem') return;
  if (body.code !== 'ERR_BUSY') return refuse(state, 'failed', body.message, at, effects);
  state.leaving = { ...leaving, phase: 'settling', question: undefined, askedAt: undefined, waitsFor: body.message };
}

/** The link is gone. Whether the membership is over is known when the coordinator can be asked again. */
export function leaveInterrupted(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  const { leaving, link } = state;
  if (!leaving || leaving.phase === 'left' || leaving.phase === 'resting') return;
  if (leaving.phase !== 'parting') return refuse(state, 'away', link.problem ?? 'the link was lost', at, effects);
  if (link.isUnknown) return finish(state, leaving, null, effects);
  state.leaving = { ...leaving, question: undefined };
}
