import { type AccountId, accountProvider, type NodeId } from '@authmesh/shared/core/identifiers';
import { exchangeMsMax, leaseMs } from '@authmesh/shared/core/lease';
import { note } from '@authmesh/shared/core/notes';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import type { OpenLeaseName } from '@authmesh/shared/protocol/lease';
import { nextGeneration } from '../acceptance.ts';
import { commit, isBusy } from '../commit.ts';
import type { CoordinatorEffect } from '../effect.ts';
import { takesPart } from '../policy.ts';
import { isOutrun } from '../recollection.ts';
import type { AccountEntry, CoordinatorState, Reporter } from '../state.ts';
import { type Choice, chooseNode } from './candidates.ts';
import { doubt, needLogin, pairOf, release } from './halt.ts';
import { latestUse } from './holders.ts';
import type { RefreshRecord } from './refresh-record.ts';
import { plan } from './schedule.ts';
import { noteSpender } from './spenders.ts';
import { haltOf, isGuardedAttemptDue, leaseOf, lookAt, type Renewable, renewableOf } from './standing.ts';

/** An account whose record is on its way to the store is looked at again after this. */
const busyMs: Milliseconds = second;
/** Exchanges at one provider at a time: after an outage every login of a fleet is due at once. */
const flyingMax = 16;
const crowdedMs: Milliseconds = second / 2;

/** An account's time has come: its lease is over, its doubt has to be settled, or it is to be refreshed. */
export function look(state: CoordinatorState, account: AccountId, at: Instant, effects: CoordinatorEffect[]): void {
  const entry = state.accounts.get(account);
  const current = entry && renewableOf(entry.record);
  if (!entry || !current) return;
  const { schedule, tries } = state.leases;
  if (isBusy(state, entry)) return plan(schedule, account, at + busyMs);
  const next = lookAt(entry.record, tries.get(account), at);
  if (next === null || next > at) return plan(schedule, account, next);
  const lease = leaseOf(entry.record);
  const halt = haltOf(entry.record);
  if (!lease && isCrowded(state, account)) return plan(schedule, account, at + crowdedMs);
  if (lease) doubt(state, entry, current, lease.node, at, effects);
  else if (halt && !isGuardedAttemptDue(entry.record, at)) needLogin(state, entry, current, at, effects);
  else give(state, entry, current, at, effects);
}

/** Why nobody may refresh it, whoever could. */
function obstacleTo(state: CoordinatorState, { record }: AccountEntry): { readonly why: string } | undefined {
  const { account, profile } = record;
  if (isOutrun(state, account)) return { why: 'a node knows of a later login, and has yet to tell it' };
  return takesPart(state, account, profile) ? undefined : { why: 'the fleet’s `sync.profiles` leaves it out' };
}

/** Whether as many logins of the provider are being refreshed as may be at once. */
function isCrowded(state: CoordinatorState, account: AccountId): boolean {
  return flyingAt(state, account).size >= flyingMax;
}

/** The accounts of the same provider under lease. */
function flyingAt({ leases }: CoordinatorState, account: AccountId): Set<AccountId> {
  const provider = accountProvider(account);
  const flying = leases.flying.get(provider) ?? new Set();
  leases.flying.set(provider, flying);
  return flying;
}

/** Gives the lease to whoever can refresh, when that is durable; or lets the account wait for somebody who can. */
export function give(
  state: CoordinatorState,
  entry: AccountEntry,
  current: Renewable,
  at: Instant,
  effects: CoordinatorEffect[],
): string | undefined {
  const { account } = entry.record;
  const choice: Choice = obstacleTo(state, entry) ?? chooseNode(state, entry.record, current);
  if ('why' in choice) {
    const { starved, waits } = state.leases;
    starved.add(account);
    // When it has ended there may be nothing left to wait for, and nobody may say so.
    const againAt = choice.againAt ?? current.expiresAt;
    if (againAt > at) plan(state.leases.schedule, account, againAt);
    if (waits.get(account) !== choice.why) effects.push(note('refresh-waits', { account, why: choice.why }));
    waits.set(account, choice.why);
    return choice.why;
  }
  state.leases.waits.delete(account);
  const lease = { node: choice.node, since: at, until: at + leaseMs };
  const epoch = (entry.record.refresh?.epoch ?? 0) + 1;
  const refresh: RefreshRecord = { ...pairOf(current), epoch, lease, halt: haltOf(entry.record) };
  const change = { record: { ...entry.record, refresh }, lineage: entry.lineage, announces: false };
  commit(state, entry, { ...change, cause: { type: 'lease', account } }, effects);
  // It counts while it is on its way to the store: all that are due are looked at in one go.
  flyingAt(state, account).add(account);
  noteSpender(state, account, refresh.refresh);
  return undefined;
}

/** Whether a node has told all that it has on its link. */
function hasTold({ away }: CoordinatorState, node: NodeId): boolean {
  const known = away.get(node);
  return known !== undefined && known.copies === undefined;
}

/** The lease is durable: its holder hears of it. One that has gone meanwhile says at its return that it never did. */
export function sendLease(
  state: CoordinatorState,
  entry: AccountEntry,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { record } = entry;
  const lease = leaseOf(record);
  const link = lease && state.nodes.get(lease.node)?.link;
  const current = renewableOf(record);
  if (!lease || !current || !record.refresh) return;
  // A store that took nothing for so long: nobody has heard of it, and nobody could use it any more.
  if (lease.until - at < exchangeMsMax) {
    refuseAsked(state, record.account, effects);
    return release(state, entry, current, effects);
  }
  const { account } = record;
  const { epoch } = record.refresh;
  effects.push(note('lease-given', { account, node: lease.node }));
  const asked = state.leases.asked.get(account);
  if (asked) {
    state.leases.asked.delete(account);
    const body = { type: 'leased', node: lease.node, epoch } as const;
    effects.push({ type: 'send', link: asked.link, message: { type: 'answer', request: asked.request, body } });
  }
  // A node that has not told what it has on this link may be about to say that it never heard of this lease.
  if (link === undefined || !hasTold(state, lease.node)) return;
  const login = { access: current.access, refresh: pairOf(current).refresh };
  const terms = {
    leaseMs: Math.min(leaseMs, lease.until - at),
    notAfter: latestUse(state, account, current),
    generation: nextGeneration(state, entry),
    guarded: haltOf(record)?.by === 'openclaw',
  };
  effects.push({ type: 'send', link, message: { type: 'lease', account, epoch, ...login, ...terms } });
}

/** A command line's lease comes to nothing: it asks again. */
export function refuseAsked({ leases }: CoordinatorState, account: AccountId, effects: CoordinatorEffect[]): void {
  const asked = leases.asked.get(account);
  if (!asked) return;
  leases.asked.delete(account);
  const message = 'the coordinator’s store was changed, or took nothing, meanwhile: try again';
  const body = { type: 'problem', code: 'ERR_BUSY', message } as const;
  effects.push({ type: 'send', link: asked.link, message: { type: 'answer', request: asked.request, body } });
}

/** A node has a lease that this store has forgotten, for it came back from a backup: nobody else gets one meanwhile. */
export function leaseTaken(
  state: CoordinatorState,
  entry: AccountEntry,
  { node }: Reporter,
  { epoch, access }: OpenLeaseName,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { record } = entry;
  const current = renewableOf(record);
  if (current?.access !== access || leaseOf(record) || haltOf(record)) return;
  const lease = { node, since: at, until: at + leaseMs };
  const refresh: RefreshRecord = { ...pairOf(current), epoch: Math.max(epoch, record.refresh?.epoch ?? 0), lease };
  commit(state, entry, { record: { ...record, refresh }, lineage: entry.lineage, announces: false }, effects);
}

/** Puts the account where its record says that it belongs. */
export function replan(state: CoordinatorState, account: AccountId): void {
  const { leases } = state;
  const record = state.accounts.get(account)?.record;
  leases.starved.delete(account);
  const holder = record && (leaseOf(record) ?? haltOf(record))?.node;
  if (holder === undefined) leases.out.delete(account);
  else leases.out.set(account, holder);
  if (holder !== undefined && record?.refresh) noteSpender(state, account, record.refresh.refresh);
  const flying = flyingAt(state, account);
  if (record && leaseOf(record)) flying.add(account);
  else flying.delete(account);
  if (record) plan(leases.schedule, account, lookAt(record, leases.tries.get(account), state.at));
}
