import { accountLabel, type CopyKey, copyKey, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { matchesPattern } from '@authmesh/shared/core/patterns';
import { type Instant, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import { lackedAccounts } from './announcement.ts';
import { formFor, isCovered, isRenewedHere, subjectOf } from './coverage.ts';
import type { AgentEffect } from './effect.ts';
import type { ControlRequest, WriteOutcome } from './event.ts';
import { isDoubted } from './fence.ts';
import { profileIn } from './naming.ts';
import { isUsedHere } from './refresh/open-lease.ts';
import { type AgentState, type Copy, createCopy } from './state.ts';
import { isToolAccount } from './tools.ts';

/** A question of the command line that waits for the coordinator or for deliveries. */
export interface Adoption {
  readonly request: number;
  readonly waiting: Set<CopyKey>;
  readonly adopted: ProfileId[];
  readonly problems: { readonly login: string; readonly reason: string }[];
}

/** How long `sync.create` waits after a store was in use, and after it could not be written. */
const busyRetryMs: Milliseconds = 2 * second;
const failedRetryMs: Milliseconds = minute;

/** An operator takes logins of the fleet over into a store of this host. */
export function adopt(
  state: AgentState,
  request: number,
  { profiles, store }: Extract<ControlRequest, { op: 'adopt' }>,
  effects: AgentEffect[],
): void {
  const adoption: Adoption = { request, waiting: new Set(), adopted: [], problems: [] };
  const held = accountsIn(state, store);
  const offered = [...state.accounts.values()].filter(
    facts => !held.has(facts.account) && !isToolAccount(facts.account),
  );
  // All of them: but for what the configuration leaves out, which its owner did not forget.
  const asked = offered.filter(facts =>
    profiles.length === 0
      ? isCovered(state, facts.account, facts.profile)
      : profiles.some(name => isNamed(facts, name)),
  );
  for (const name of profiles) {
    if (asked.some(facts => isNamed(facts, name))) continue;
    const present = [...state.accounts.values()].find(facts => isNamed(facts, name));
    const reason = !present
      ? 'the fleet has no such login; `authmesh-agent status` lists them'
      : isToolAccount(present.account)
        ? 'it is the login of another tool; `stores` of agent.json says where OpenClaw may share it'
        : 'this store has it already';
    adoption.problems.push({ login: name, reason });
  }
  for (const facts of asked) {
    const problem = obstacle(state, facts, store);
    if (problem !== undefined) adoption.problems.push({ login: facts.profile, reason: problem });
    else adoption.waiting.add(create(state, facts, store, effects));
  }
  state.adoptions.set(request, adoption);
  finishAdoptions(state, effects);
}

/** Creates what the configuration asks for (`sync.create`), unless its owner deleted it here before. */
export function createConfigured(state: AgentState, at: Instant, effects: AgentEffect[]): void {
  if (state.createAt !== undefined && state.createAt > at) return;
  state.createAt = undefined;
  const { create: patterns, createIn } = state.config;
  if (createIn === undefined || patterns.length === 0 || state.link.phase !== 'online' || state.leaving) return;
  for (const facts of lackedAccounts(state)) {
    const subject = subjectOf(facts.account, facts.profile);
    if (!patterns.some(pattern => matchesPattern(pattern, subject)) || wasHere(state, facts)) continue;
    if (obstacle(state, facts, createIn) === undefined) create(state, facts, createIn, effects);
  }
}

function wasHere(state: AgentState, { account, profile }: AnnouncementFacts): boolean {
  for (const copy of state.copies.values()) if (copy.account === account || copy.profile === profile) return true;
  return false;
}

/** Why a login of the fleet cannot be put into this store now; undefined when it can. */
export function obstacle(state: AgentState, facts: AnnouncementFacts, store: StoreId): string | undefined {
  const { account } = facts;
  const profile = profileIn(state, facts, store);
  if (state.link.phase === 'draining') return 'the agent is stopping; try again';
  if (!isCovered(state, account, profile)) return 'the configuration leaves it out (`sync.profiles`, `sync.apiKeys`)';
  const there = state.copies.get(copyKey(store, profile));
  if (there?.seen || there?.writing) return `another login stands under ${profile} in ${store}`;
  const entry = state.stores.get(store);
  return entry?.state === 'quarantined' ? `its store is set aside: ${entry.reason ?? 'it cannot be read'}` : undefined;
}

function create(state: AgentState, facts: AnnouncementFacts, store: StoreId, effects: AgentEffect[]): CopyKey {
  const { account, access, refresh, expiresAt } = facts;
  const profile = profileIn(state, facts, store);
  const key = copyKey(store, profile);
  const before = state.copies.get(key);
  const past = before?.account === account ? before : undefined;
  // Invariant I10: neither what a refresh uses or may have spent, nor what another store here was renewed out of.
  const isSpent = (past && isDoubted(past, facts)) || isRenewedHere(state, facts) || isUsedHere(state, facts);
  const form = isSpent ? 'bearer' : formFor(state, facts, profile);
  state.copies.set(key, {
    ...createCopy(store, profile, account),
    last: past?.last,
    chain: past?.chain ?? [],
    doubted: past?.doubted,
    writing: { access, form, replaces: undefined },
  });
  effects.push({ type: 'create-profile', store, profile, account, access, refresh, expiresAt, form });
  return key;
}

/** A profile that could not be created is no copy; one that its owner deleted, now or before, is remembered as such. */
export function creationFailed(
  state: AgentState,
  copy: Copy,
  outcome: Exclude<WriteOutcome, { result: 'written' }>,
  at: Instant,
  effects: AgentEffect[],
): void {
  const { store, profile, account, writing, last } = copy;
  const key = copyKey(store, profile);
  if (writing && !last) state.copies.delete(key);
  else state.copies.set(key, { ...copy, writing: undefined });
  if (!writing) return;
  const why = outcome.result === 'changed' ? outcome.result : outcome.reason;
  effects.push(
    note(outcome.result === 'failed' ? 'write-failed' : 'write-postponed', { store, profile, account, why }),
  );
  state.createAt = at + (outcome.result === 'failed' ? failedRetryMs : busyRetryMs);
}

/** A creation ended: its adoption goes on. */
export function creationSettled(
  state: AgentState,
  key: CopyKey,
  profile: ProfileId,
  outcome: WriteOutcome,
  effects: AgentEffect[],
): void {
  for (const adoption of state.adoptions.values()) {
    if (!adoption.waiting.delete(key)) continue;
    if (outcome.result === 'written') adoption.adopted.push(profile);
    else
      adoption.problems.push({
        login: profile,
        reason: outcome.result === 'changed' ? 'the store changed meanwhile; try again' : outcome.reason,
      });
  }
  finishAdoptions(state, effects);
}

function finishAdoptions(state: AgentState, effects: AgentEffect[]): void {
  for (const [request, { waiting, adopted, problems }] of state.adoptions) {
    if (waiting.size > 0) continue;
    state.adoptions.delete(request);
    effects.push({ type: 'reply', request, reply: { op: 'adopt', adopted, problems } });
  }
}

function accountsIn(state: AgentState, store: StoreId): Set<string> {
  const held = new Set<string>();
  for (const copy of state.copies.values()) if (copy.store === store && copy.seen) held.add(copy.account);
  return held;
}

function isNamed({ account, profile }: AnnouncementFacts, name: string): boolean {
  return profile === name || accountLabel(account) === name;
}
