import type { AccountId, NodeId } from '@authmesh/shared/core/identifiers';
import type { Judgement } from '@authmesh/shared/protocol/down';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { CoordinatorEffect } from './effect.ts';
import { verdictSentences } from './explanation.ts';
import { recordJudgement } from './judgement.ts';
import { otherSpender } from './lease/spenders.ts';
import { haltOf, leaseOf } from './lease/standing.ts';
import { isVaulted } from './lease/vaulting.ts';
import type { CoordinatorState } from './state.ts';

/*
 * Under custody `home` a refresh token is taken off every host but the home. Off the last one that has it, it would be
 * gone: a home may be a host that was lost, or joined again under another name. So it is taken only while the home is
 * connected and has it.
 */

/** Tells the other hosts that still have the refresh token, once the home was seen to hold it. */
export function tellOtherHolders(
  state: CoordinatorState,
  account: AccountId,
  by: NodeId,
  effects: CoordinatorEffect[],
): void {
  const current = state.accounts.get(account)?.record.current;
  if (current?.refresh === undefined || current.home !== by || !isHeldAtHome(state, account)) return;
  for (const id of state.holders.get(account) ?? []) {
    const node = state.nodes.get(id);
    if (id === by || node?.link === undefined) continue;
    for (const { observation } of [...node.copies.values()]) {
      if (isHolding(observation, account, current)) {
        recordJudgement(
          state,
          node.link,
          observation,
          'in-step',
          verdictSentences.same,
          effects,
          safetyOf(state, account),
        );
      }
    }
  }
}

/** Enough vaults hold the refresh token now: under custody `vault` no store need hold it any more. */
export function tellAllHolders(state: CoordinatorState, account: AccountId, effects: CoordinatorEffect[]): void {
  const current = state.accounts.get(account)?.record.current;
  if (!current) return;
  for (const id of state.holders.get(account) ?? []) {
    const node = state.nodes.get(id);
    if (node?.link === undefined) continue;
    for (const { observation, verdict } of [...node.copies.values()]) {
      if (verdict === 'in-step' && isHolding(observation, account, current)) {
        const safety = safetyOf(state, account);
        recordJudgement(state, node.link, observation, 'in-step', verdictSentences.same, effects, safety);
      }
    }
  }
}

/** A lease is over and nothing was used: who was told that the refresh token is in use may have it again. */
export function tellFree(state: CoordinatorState, account: AccountId, effects: CoordinatorEffect[]): void {
  const told = state.leases.toldInUse.get(account);
  if (!told || inUseOf(state, account).inUse) return;
  state.leases.toldInUse.delete(account);
  const current = state.accounts.get(account)?.record.current;
  for (const id of told) {
    const node = state.nodes.get(id);
    if (node?.link === undefined) continue;
    for (const { observation, verdict, why } of [...node.copies.values()]) {
      if (observation.account !== account || verdict === 'wanted' || verdict === 'waits') continue;
      const safety = observation.access === current?.access ? safetyOf(state, account) : {};
      recordJudgement(state, node.link, observation, verdict, why, effects, safety);
    }
  }
}

/** Where else the refresh token of the current login is safe, and whether it is in use. */
export function safetyOf(state: CoordinatorState, account: AccountId): Pick<Judgement, 'held' | 'vaulted' | 'inUse'> {
  const held = isHeldAtHome(state, account) || undefined;
  return { held, vaulted: isVaulted(state, account) || undefined, ...inUseOf(state, account) };
}

/** Whether the refresh token of the current login is under lease, or may be used up, be it under another account's name. */
export function inUseOf(state: CoordinatorState, account: AccountId): Pick<Judgement, 'inUse'> {
  const record = state.accounts.get(account)?.record;
  const refresh = record?.current?.refresh;
  if (!record || refresh === undefined) return {};
  const isUsed = (leaseOf(record) ?? haltOf(record)) !== undefined;
  return { inUse: isUsed || otherSpender(state, account, refresh) !== undefined || undefined };
}

/** Whether the account's home is connected and was last seen to hold the current refresh token. */
export function isHeldAtHome(state: CoordinatorState, account: AccountId): boolean {
  const current = state.accounts.get(account)?.record.current;
  const home = current && state.nodes.get(current.home);
  if (!current || home?.link === undefined) return false;
  for (const { observation } of home.copies.values()) if (isHolding(observation, account, current)) return true;
  return false;
}

function isHolding(
  observation: Observation,
  account: AccountId,
  current: { readonly access: string; readonly refresh?: string | undefined },
): boolean {
  return (
    observation.account === account &&
    observation.health === 'sound' &&
    observation.refresh !== undefined &&
    observation.refresh === current.refresh &&
    observation.access === current.access
  );
}
