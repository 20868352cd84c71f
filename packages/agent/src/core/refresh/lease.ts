import type { AccountId, Fingerprint } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { Lease, LeaseSettled, MissReport, Renewal } from '@authmesh/shared/protocol/lease';
import { sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import type { AgentEffect } from '../effect.ts';
import type { AgentState } from '../state.ts';
import { holdersHere, obstacle } from './obstacle.ts';
import { isOver, type LeaseOutcome, type OpenLease } from './open-lease.ts';

/*
 *     ──lease──► exchanging ──exchanged──► ended ──lease-settled──► (gone)
 *
 * What a lease came to is told on every link until the coordinator has taken it. The shell writes the intent down before
 * the refresh token leaves this host, and the outcome before anything else is done with it.
 */

const laterKnown = 'it knows what came of a later lease of the login';

/** This node is to refresh an account. */
export function leaseReceived(state: AgentState, lease: Lease, at: Instant, effects: AgentEffect[]): void {
  const { account, epoch, access, refresh, generation, leaseMs } = lease;
  const open = state.leases.get(account);
  if (open?.epoch === epoch) return tell(state, open, effects);
  // What has not ended here is told when it has: until then there is nothing to say of a later one.
  if (open && !isOver(open)) return;
  // A coordinator from a backup has forgotten what came of a later lease, which is told to it on each link.
  const why = open && open.access === access && open.epoch > epoch ? laterKnown : obstacle(state, lease, at);
  if (why !== undefined) {
    effects.push(note('exchange-missed', { account, why: `unused: ${why}` }));
    effects.push({ type: 'send', message: messageOf(account, epoch, access, { miss: 'unused', why }) });
    return;
  }
  state.leases.set(account, { account, epoch, access, refresh, outcome: undefined });
  const before = state.elapsed + leaseMs;
  const holders = holdersHere(state, lease).map(({ store, profile }) => ({ store, profile }));
  effects.push(note('exchange-begun', { account }));
  effects.push({ type: 'exchange', account, epoch, access, refresh, holders, generation, before });
}

/** The exchange is over, and what came of it is on disk. */
export function exchanged(
  state: AgentState,
  account: AccountId,
  epoch: number,
  outcome: LeaseOutcome,
  effects: AgentEffect[],
): void {
  const open = state.leases.get(account);
  // What is known of a lease no later word takes back.
  if (open?.epoch !== epoch || open.outcome) return;
  const ended = { ...open, outcome };
  state.leases.set(account, ended);
  if ('renewed' in outcome) effects.push(note('exchange-renewed', { account }));
  else effects.push(note('exchange-missed', { account, why: `${outcome.miss}: ${outcome.why}` }));
  tell(state, ended, effects);
}

/** Tells what every lease came to, after what the node knows: a coordinator from a backup has to learn that first. */
export function tellLeases(state: AgentState, effects: AgentEffect[]): void {
  for (const open of state.leases.values()) tell(state, open, effects);
}

function tell(state: AgentState, { account, epoch, access, outcome }: OpenLease, effects: AgentEffect[]): void {
  if (!outcome || state.link.phase !== 'online') return;
  effects.push({ type: 'send', message: messageOf(account, epoch, access, outcome) });
}

function messageOf(
  account: AccountId,
  epoch: number,
  access: Fingerprint,
  outcome: LeaseOutcome,
): Omit<Renewal, 'sealed'> | MissReport {
  if ('renewed' in outcome) return { type: 'renewal', account, epoch, replaced: access, ...outcome };
  // It may name many profiles and long paths: a sentence that is too long would cost the link, and each one after it.
  const why = outcome.why.slice(0, sentenceCharsMax);
  return { type: 'miss', account, epoch, access, ...outcome, why };
}

/** The coordinator has taken the outcome, or wants its record in another generation. */
export function leaseSettled(state: AgentState, { account, epoch, again }: LeaseSettled, effects: AgentEffect[]): void {
  const open = state.leases.get(account);
  if (open?.epoch !== epoch || !open.outcome) return;
  if (again !== undefined && 'renewed' in open.outcome) {
    const sealedAnew = { ...open, outcome: { ...open.outcome, generation: again } };
    state.leases.set(account, sealedAnew);
    return tell(state, sealedAnew, effects);
  }
  // A coordinator that comes back from a backup has to hear of it again.
  if (!isOver(open)) forget(state, account, effects);
}

/** The account has moved on: what a lease of the login before it came to is of no interest any more. */
export function forgetLeaseOf(state: AgentState, facts: AnnouncementFacts, effects: AgentEffect[]): void {
  const { account, access, refresh } = facts;
  const open = state.leases.get(account);
  const hasMovedOn = open?.access !== access || (refresh !== undefined && open.refresh !== refresh);
  if (open && hasMovedOn && isOver(open)) forget(state, account, effects);
}

function forget(state: AgentState, account: AccountId, effects: AgentEffect[]): void {
  state.leases.delete(account);
  effects.push({ type: 'remember', memory: { kind: 'lease', account, lease: null } });
}
