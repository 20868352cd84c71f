import { type AccountId, accountLabel, accountProvider, type ProfileId } from '@authmesh/shared/core/identifiers';
import { passesAll, passesFilter } from '@authmesh/shared/core/patterns';
import type { CoordinatorState } from './state.ts';

/** Whether the fleet's own filter lets a login take part. */
export function takesPart(
  { policy }: Pick<CoordinatorState, 'policy'>,
  account: AccountId,
  profile: ProfileId,
): boolean {
  if (passesAll(policy)) return true;
  return passesFilter(policy, { provider: accountProvider(account), account: accountLabel(account), profile });
}
