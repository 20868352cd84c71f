import { type AccountId, accountProvider, type NodeId } from '@authmesh/shared/core/identifiers';
import { leaseMs } from '@authmesh/shared/core/lease';
import { day, type Instant, type Milliseconds } from '@authmesh/shared/core/time';
import type { Inventory } from '@authmesh/shared/protocol/up';
import type { CoordinatorEffect } from '../effect.ts';
import type { CoordinatorState, Session } from '../state.ts';
import { submit } from '../submission.ts';
import { isFence } from './fences.ts';
import { look, replan } from './grant.ts';
import { openingMs } from './leases.ts';
import { nextAt, plan, takeDue } from './schedule.ts';
import { noteAll } from './spenders.ts';
import { leaseOf } from './standing.ts';

/** Accounts that are looked at in one step; the rest follow at once. */
const looksMax = 100;
/** Timers count no further than some weeks. */
const timerMsMax: Milliseconds = day;

/** The coordinator has started: every account gets its time, and what the nodes last had counts until they tell anew. */
export function planAll(state: CoordinatorState): void {
  const { leases, holders, away, accounts } = state;
  noteAll(state);
  for (const account of accounts.keys()) replan(state, account);
  for (const [node, { copies }] of away) {
    for (const { account, spendable, health } of copies ?? []) {
      if (spendable) holders.set(account, (holders.get(account) ?? new Set()).add(node));
      if (isFence(health)) leases.fenced.set(account, (leases.fenced.get(account) ?? new Set()).add(node));
    }
  }
}

/**
 * The wall clock was set: every account gets its time anew. Who has a lease gets its time once more, for that was given by the
 * clock of before.
 */
export function planAnew(state: CoordinatorState, at: Instant): void {
  const { leases, accounts } = state;
  leases.tries.clear();
  for (const [account, { record }] of accounts) {
    replan(state, account);
    if (leaseOf(record)) plan(leases.schedule, account, at + leaseMs);
  }
}

/** Looks at what is due, and keeps the one timer set for what is next. */
export function serveLeases(state: CoordinatorState, at: Instant, effects: CoordinatorEffect[]): void {
  const { leases } = state;
  leases.isOpen ||= state.elapsed >= openingMs || hasEverybodyTold(state);
  let next = nextAt(leases.schedule);
  if (next === undefined || state.mode === 'draining') return;
  if (!leases.isOpen) return setTimer(state, at + openingMs - state.elapsed, at, effects);
  for (let looks = 0; next !== undefined && next <= at && looks < looksMax; looks++) {
    const account = takeDue(leases.schedule, at);
    if (account !== undefined) look(state, account, at, effects);
    next = nextAt(leases.schedule);
  }
  if (next !== undefined) setTimer(state, next, at, effects);
}

function setTimer({ leases }: CoordinatorState, next: Instant, at: Instant, effects: CoordinatorEffect[]): void {
  // One that is set for later, or that the clock has passed, is set anew.
  if (leases.timerAt !== undefined && leases.timerAt <= next && leases.timerAt > at) return;
  leases.timerAt = Math.min(next, at + timerMsMax);
  effects.push({ type: 'set-timer', timer: 'leases', delayMs: Math.max(1, leases.timerAt - at) });
}

function hasEverybodyTold({ nodes, away }: CoordinatorState): boolean {
  for (const [id, { link }] of nodes) {
    if (link === undefined || !away.has(id) || away.get(id)?.copies !== undefined) return false;
  }
  return true;
}

/** A node has told all that it has: where it can refresh, and which leases it still has something to say of. */
export function nodeTold(
  state: CoordinatorState,
  { node, link }: Session,
  { refreshes = [], leases: told, withheld = [] }: Pick<Inventory, 'refreshes' | 'leases' | 'withheld'>,
  at: Instant,
  effects: CoordinatorEffect[],
): void {
  const { leases } = state;
  forgetAble(state, node);
  const withheldBefore = leases.withheld.get(node);
  if (withheld.length > 0) leases.withheld.set(node, new Set(withheld));
  else leases.withheld.delete(node);
  for (const provider of refreshes) leases.able.set(provider, (leases.able.get(provider) ?? new Set()).add(node));
  for (const { account, epoch } of told ? untaken(state, node, told) : [])
    submit(state, { type: 'untaken', link, account, epoch }, account, at, effects);
  for (const one of told ?? []) submit(state, { type: 'taken', link, node, lease: one }, one.account, at, effects);
  for (const account of leases.starved) {
    const concerns = withheldBefore !== undefined || refreshes.includes(accountProvider(account));
    if (concerns || wasInTheWay(state, node, account)) wake(state, account, at);
  }
}

/** Whether an account may have waited for what this node has to say, though it cannot refresh it. */
function wasInTheWay({ leases, holders, accounts }: CoordinatorState, node: NodeId, account: AccountId): boolean {
  const isNamed = holders.get(account)?.has(node) || leases.fenced.get(account)?.has(node);
  return isNamed || accounts.get(account)?.record.current?.home === node;
}

/** Something has changed that an account may have waited for. */
export function wake({ leases }: CoordinatorState, account: AccountId, at: Instant): void {
  if (leases.starved.delete(account)) plan(leases.schedule, account, at);
}

/** The leases of a node of which it says nothing: it never heard of them. */
function untaken(
  { leases, accounts }: CoordinatorState,
  node: NodeId,
  told: NonNullable<Inventory['leases']>,
): { readonly account: AccountId; readonly epoch: number }[] {
  const missing: { account: AccountId; epoch: number }[] = [];
  for (const [account, holder] of leases.out) {
    const epoch = accounts.get(account)?.record.refresh?.epoch;
    if (holder !== node || epoch === undefined) continue;
    if (!told.some(one => one.account === account && one.epoch === epoch)) missing.push({ account, epoch });
  }
  return missing;
}

/** A node is gone, or tells anew. */
export function forgetAble({ leases }: CoordinatorState, node: NodeId): void {
  for (const nodes of leases.able.values()) nodes.delete(node);
}
