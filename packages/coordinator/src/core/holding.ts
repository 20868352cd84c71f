import type { AccountId, NodeId } from '@authmesh/shared/core/identifiers';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { CoordinatorEffect } from './effect.ts';
import { verdictSentences } from './explanation.ts';
import { recordJudgement } from './judgement.ts';
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
        recordJudgement(state, node.link, observation, 'in-step', verdictSentences.same, effects, { held: true });
      }
    }
  }
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
