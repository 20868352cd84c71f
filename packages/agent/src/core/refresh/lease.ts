import type { Refreshing } from '@authmesh/shared/core/custody';
import { type AccountId, accountProvider, type Fingerprint } from '@authmesh/shared/core/identifiers';
import type { Miss } from '@authmesh/shared/core/lease';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, isUsable, type Milliseconds } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import type { Lease, LeaseSettled, MissReport, Renewal, Renewed } from '@authmesh/shared/protocol/lease';
import { leasesMax } from '@authmesh/shared/protocol/limits';
import { isRenewedHere } from '../coverage.ts';
import type { AgentEffect } from '../effect.ts';
import { isDoubted } from '../fence.ts';
import type { AgentState, Copy } from '../state.ts';
import { isToolProfile } from '../tools.ts';

/*
 *     ──lease──► exchanging ──exchanged──► ended ──lease-settled──► (gone)
 *
 * What a lease came to is told on every link until the coordinator has taken it. The shell writes the intent down before
 * the refresh token leaves this host, and the outcome before anything else is done with it.
 */

/** A lease of this node whose outcome the coordinator has not taken yet. Immutable, replaced on change. */
export interface OpenLease {
  readonly account: AccountId;
  readonly epoch: number;
  /** The login that is renewed. */
  readonly access: Fingerprint;
  readonly refresh: Fingerprint;
  /** Absent while the exchange is under way. */
  readonly outcome?: LeaseOutcome | undefined;
}

/** What came of a lease. */
export type LeaseOutcome =
  | { readonly renewed: Renewed; readonly generation: number }
  | { readonly miss: Miss; readonly why: string; readonly retryAfterMs?: Milliseconds | undefined };

/** What a restart must know of a lease: that its exchange was begun, and what came of it. */
export type LeaseMemory = OpenLease;

/** The leases that a former run left: one without an outcome was in the middle of its exchange. */
export function leasesOf(memory: readonly LeaseMemory[], refreshes: Refreshing): Map<AccountId, OpenLease> {
  const outcomeOf = ({ account, outcome }: LeaseMemory): LeaseOutcome => {
    const rotates = refreshes.get(accountProvider(account))?.rotates !== false;
    // A token that its use does not spend is as good as before.
    return outcome ?? { miss: rotates ? 'unanswered' : 'postponed', why: broken };
  };
  return new Map(memory.map(lease => [lease.account, { ...lease, outcome: outcomeOf(lease) }]));
}

const laterKnown = 'it knows what came of a later lease of the login';

const broken = 'the agent stopped in the middle of the exchange';

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
    effects.push({ type: 'send', message: { type: 'miss', account, epoch, access, miss: 'unused', why } });
    return;
  }
  state.leases.set(account, { account, epoch, access, refresh, outcome: undefined });
  const before = state.elapsed + leaseMs;
  const holders = holdersHere(state, lease).map(({ store, profile }) => ({ store, profile }));
  effects.push(note('exchange-begun', { account }));
  effects.push({ type: 'exchange', account, epoch, access, refresh, holders, generation, before });
}

/** Why this node does not use the refresh token; undefined where it does. */
function obstacle(state: AgentState, lease: Lease, at: Instant): string | undefined {
  const { account, access, refresh, guarded, notAfter } = lease;
  if (state.link.phase !== 'online') return 'the agent is stopping';
  if (state.leaving) return 'its host is leaving the fleet';
  if ([...state.leases.values()].filter(lease => !isOver(lease)).length >= leasesMax)
    return 'it has as many leases as it can carry';
  const facts = state.accounts.get(account);
  if (facts?.access !== access || facts.refresh !== refresh) return 'it knows another login of the account';
  if (notAfter !== undefined && at - state.clockOffsetMs >= notAfter)
    return 'it ends soon, and the OpenClaw of another host that has the refresh token may be using it';
  if (isRenewedHere(state, facts)) return 'one of its stores holds what the login was renewed into';
  for (const copy of state.copies.values()) {
    if (copy.account !== account || !copy.seen) continue;
    if (copy.seen.health === 'fence-pending') return 'OpenClaw is refreshing it there';
    // Once the login has ended nobody has anything to lose by an attempt.
    if (!guarded && isUsable(facts.expiresAt, at - state.clockOffsetMs) && isDoubted(copy, facts))
      return 'OpenClaw may have spent the refresh token there';
    if (copy.writing?.form === 'full') return 'a store is just being given the refresh token';
  }
  for (const { store, profile } of holdersHere(state, { account, refresh })) {
    if (isToolProfile(profile)) return `the tool of ${profile} holds the refresh token, and refreshes it`;
    if (state.stores.get(store)?.state !== 'readable') return 'a store that holds the refresh token cannot be read';
  }
  return undefined;
}

/** The copies of this host that hold the refresh token. */
function holdersHere(state: AgentState, { account, refresh }: Pick<Lease, 'account' | 'refresh'>): Copy[] {
  return [...state.copies.values()].filter(
    ({ account: of, seen }) => of === account && seen?.health === 'sound' && seen.refresh === refresh,
  );
}

/**
 * Whether a lease of this node uses the refresh token of the login, or may have used it up: no store gets it meanwhile, and
 * none keeps it once it may be spent.
 */
export function isUsedHere(
  { leases, config }: AgentState,
  { account, access, refresh }: Pick<AnnouncementFacts, 'account' | 'access' | 'refresh'>,
): 'now' | 'up' | undefined {
  const open = leases.get(account);
  if (
    open?.access !== access ||
    open.refresh !== refresh ||
    config.refreshes.get(accountProvider(account))?.rotates === false
  )
    return undefined;
  if (!open.outcome) return 'now';
  return 'renewed' in open.outcome || isOver(open) ? 'up' : undefined;
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
  if (open?.epoch !== epoch) return;
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
  return 'renewed' in outcome
    ? { type: 'renewal', account, epoch, replaced: access, ...outcome }
    : { type: 'miss', account, epoch, access, ...outcome };
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

/** Ended with a refresh token that may be spent and nothing to show for it: kept as a memory, in nobody's way. */
export function isOver({ outcome }: OpenLease): boolean {
  return outcome !== undefined && 'miss' in outcome && (outcome.miss === 'unanswered' || outcome.miss === 'refused');
}

function forget(state: AgentState, account: AccountId, effects: AgentEffect[]): void {
  state.leases.delete(account);
  effects.push({ type: 'remember', memory: { kind: 'lease', account, lease: null } });
}
