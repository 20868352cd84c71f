import type { StoreId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { AgentEffect } from '../effect.ts';
import type { MarkOutcome } from '../event.ts';
import { type Claim, dropClaim, settleClaim } from '../permit/claim.ts';
import { letGo } from '../permit/settling.ts';
import type { AgentState } from '../state.ts';
import { claimOfHold, type Hold, holdSlackMs, isInPlace } from './hold.ts';
import { heldSinceLastStart, planHolds } from './plan.ts';

const retryMs: Milliseconds = 2 * second;
/** Longer than this no command waits for its marks: its permits are others' meanwhile. */
const placeMsMax: Milliseconds = 15 * second;

/**
 * Holds back what a command would start beyond its permits; true when nothing is left to be done. What comes back with
 * it is asked now: since the permits were asked for, others may have been healed. Each hold has an end of its own:
 * should nobody lift them, the agents come back a limit's worth at a time.
 */
export function heldFor(state: AgentState, command: Claim, at: Instant, effects: AgentEffect[]): boolean {
  const { starts, held, id } = command;
  if (starts === undefined) return true;
  if (held === undefined) placeFor(state, command, starts, at, effects);
  for (const hold of state.holds.values()) if (hold.command === id && !isInPlace(state, hold)) return false;
  return state.claims.byId.get(id)?.refusal === undefined;
}

function placeFor(state: AgentState, command: Claim, starts: number, at: Instant, effects: AgentEffect[]): void {
  const { claimant, sessions, permit, id } = command;
  const pool = claimant.type === 'command' ? claimant.pool : '';
  const refusal = heldSinceLastStart(state);
  if (refusal) return refuse(state, command, refusal.why);
  const plan = planHolds(state, pool, starts, sessions, at);
  if ('refusal' in plan) return refuse(state, command, plan.refusal.why);
  for (const [index, { store, profile, account, ...planned }] of plan.holds.entries()) {
    const turns = 1 + Math.floor(index / sessions);
    const until = at + holdSlackMs + turns * (permit?.settleMs ?? 0);
    const hold = { store, profile, account, ...planned, until, command: id, since: state.elapsed };
    place(state, hold, until, effects);
    effects.push(note('hold-placed', { store, profile, account }));
  }
  state.claims.byId.set(id, { ...command, held: plan.holds.length });
}

/** What went wrong after the permits were had may go well another time: they are given back. */
function refuse({ claims }: AgentState, claim: Claim, why: string): void {
  claims.byId.set(claim.id, { ...claim, refusal: { why, isPassing: true } });
  claims.isNews = true;
}

/** Writes the marks of a hold, or writes them again, to end then. */
export function place({ holds }: AgentState, hold: Hold, until: Instant, effects: AgentEffect[]): void {
  const { store, profiles } = hold;
  holds.set(store, { ...hold, until, was: hold.until, writing: 'place', retryAt: undefined });
  effects.push({ type: 'mark-store', store, hold: { until, profiles } });
}

/** Lifts the marks under the permit of `claim`. */
export function lift({ holds }: AgentState, hold: Hold, { permit }: Claim, effects: AgentEffect[]): void {
  const { store } = hold;
  holds.set(store, { ...hold, writing: 'lift', retryAt: undefined });
  effects.push({ type: 'mark-store', store, before: permit && permit.until - permit.settleMs });
}

/** A change of a store's marks ended. */
export function storeMarked(state: AgentState, store: StoreId, outcome: MarkOutcome, effects: AgentEffect[]): void {
  const hold = state.holds.get(store);
  if (!hold) return;
  const { profile, account } = hold;
  const settled: Hold = { ...hold, writing: undefined, was: undefined };
  state.holds.set(store, { ...settled, trouble: undefined });
  switch (outcome.result) {
    case 'marked':
      if (hold.writing === 'lift') lifted(state, hold, effects);
      // OpenClaw has paused every one of its logins itself.
      else if (outcome.held.length === 0) state.holds.delete(store);
      else state.holds.set(store, { ...settled, placed: outcome.held, trouble: undefined });
      return;
    case 'lapsed':
      // Its turn comes again.
      return;
    case 'changed':
    case 'locked':
    case 'failed': {
      const why = outcome.result === 'changed' ? `${store} changes all the time` : outcome.reason;
      if (hold.writing === 'lift' && outcome.stood) {
        // They were lifted, and somebody saved the store with them once more: what stands there now is seen anew.
        lifted(state, hold, effects);
        effects.push({ type: 'reread', store });
        return;
      }
      // What stands there is what ends; where a clock was set back, it is to end earlier than that.
      const stands = state.stores.get(store)?.hold?.until ?? hold.was ?? hold.until;
      const until = Math.min(hold.until, stands);
      state.holds.set(store, { ...settled, until, retryAt: state.elapsed + retryMs, trouble: why });
      if (hold.writing === 'lift') giveBack(state, hold);
      if (hold.trouble !== why) effects.push(note('hold-failed', { store, profile, account, why }));
      if (outcome.result === 'failed') refuseCommand(state, hold, why);
      else refuseOverdue(state, hold, why);
      return;
    }
    default:
      outcome satisfies never;
  }
}

/** Nothing was lifted under the permit: others may have it. */
export function giveBack(state: AgentState, hold: Hold): void {
  const claim = claimOfHold(state, hold);
  if (claim?.phase === 'waiting') dropClaim(state.claims, claim);
  if (claim?.phase === 'granted') settleClaim(state.claims, claim, 'unused');
}

function lifted(state: AgentState, hold: Hold, effects: AgentEffect[]): void {
  const { store, profile, account } = hold;
  state.holds.delete(store);
  effects.push(note('hold-lifted', { store, profile, account }));
  const claim = claimOfHold(state, hold);
  const use = claim?.copy === undefined ? undefined : state.copies.get(claim.copy)?.seen?.use;
  if (claim) letGo(state, claim, use, effects);
}

/** What could not be placed for so long is not waited for any more. */
export function refuseOverdue(state: AgentState, hold: Hold, why: string): void {
  if (state.elapsed - hold.since >= placeMsMax && hold.placed === undefined) refuseCommand(state, hold, why);
}

/** A command does not start with agents that should be held and cannot be. */
function refuseCommand(state: AgentState, { store, command, writing }: Hold, why: string): void {
  const claim = command === undefined ? undefined : state.claims.byId.get(command);
  if (!claim || writing === 'lift' || claim.phase !== 'granted') return;
  if (!state.stores.get(store)?.hold) state.holds.delete(store);
  refuse(state, claim, `an agent could not be held back: ${why}`);
}
