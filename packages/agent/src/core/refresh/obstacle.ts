import { accountProvider } from '@authmesh/shared/core/identifiers';
import { type Instant, isUsable } from '@authmesh/shared/core/time';
import type { Lease } from '@authmesh/shared/protocol/lease';
import { leasesMax } from '@authmesh/shared/protocol/limits';
import { isRenewedHere } from '../coverage.ts';
import { isDoubted } from '../fence.ts';
import type { AgentState, Copy } from '../state.ts';
import { isToolProfile } from '../tools.ts';
import { isOver } from './open-lease.ts';

/** Why this node does not use the refresh token; undefined where it does. */
export function obstacle(state: AgentState, lease: Lease, at: Instant): string | undefined {
  const { account, access, refresh, guarded, notAfter } = lease;
  if (state.link.phase !== 'online') return 'the agent is stopping';
  if (state.leaving) return 'its host is leaving the fleet';
  // It may have been given to what ran here before, or before its configuration was changed.
  if (state.config.takesLeases === false) return 'its agent works for one command';
  const provider = accountProvider(account);
  if (!state.config.refreshes.has(provider)) return `it does not refresh at ${provider}`;
  if ([...state.leases.values()].filter(lease => !isOver(lease)).length >= leasesMax)
    return 'it has as many leases as it can carry';
  const facts = state.accounts.get(account);
  if (facts?.access !== access || facts.refresh !== refresh) return 'it knows another login of the account';
  if (notAfter !== undefined && at - state.clockOffsetMs >= notAfter)
    return 'it ends soon, and the OpenClaw of another host that has the refresh token may be using it';
  if (isRenewedHere(state, facts)) return 'one of its stores holds what the login was renewed into';
  for (const copy of state.copies.values()) {
    const own = copy.account === account ? facts : state.accounts.get(copy.account);
    // Under another name it may be the same login (docs/decisions/0039).
    if (own?.refresh !== refresh && copy.seen?.spends !== refresh) continue;
    if (copy.writing?.form === 'full') return 'a store is just being given the refresh token';
    if (!copy.seen) continue;
    if (copy.seen.health === 'fence-pending') return 'OpenClaw is refreshing it there';
    // Once the login has ended nobody has anything to lose by an attempt.
    if (!guarded && isUsable(facts.expiresAt, at - state.clockOffsetMs) && own && isDoubted(copy, own))
      return 'OpenClaw may have spent the refresh token there';
  }
  for (const { store, profile } of holdersHere(state, lease)) {
    if (isToolProfile(profile)) return `the tool of ${profile} holds the refresh token, and refreshes it`;
    if (state.stores.get(store)?.state !== 'readable') return 'a store that holds the refresh token cannot be read';
  }
  return undefined;
}

/** The copies of this host that hold the refresh token, under whatever name (docs/decisions/0039). */
export function holdersHere(state: AgentState, { refresh }: Pick<Lease, 'refresh'>): Copy[] {
  return [...state.copies.values()].filter(({ seen }) => seen?.health === 'sound' && seen.refresh === refresh);
}
