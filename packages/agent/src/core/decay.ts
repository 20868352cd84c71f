import type { CopyKey } from '@authmesh/shared/core/identifiers';
import { type Instant, type Milliseconds, minute } from '@authmesh/shared/core/time';
import { isCovered } from './coverage.ts';
import { type Fitness, fitnessOf } from './fitness.ts';
import { waitsForOthers } from './permit/recovery.ts';
import type { AgentState } from './state.ts';

/** What is on its way to being healed is no decay; what has been for so long is. */
const healingMsMax: Milliseconds = minute;

/**
 * Why a restart would not find a usable login in this copy, though nothing is being done about it: a gateway that goes
 * on running hides that. Undefined where all is well, where it is in line for its turn, and where other words are used
 * for what is wrong.
 */
export function decayOf(state: AgentState, key: CopyKey, at: Instant): Fitness | undefined {
  const copy = state.copies.get(key);
  if (!copy?.seen || copy.writing || !isCovered(state, copy.account, copy.profile)) return undefined;
  if (isInLine(state, key) || (state.link.phase === 'online' && waitsForOthers(state, copy, at))) return undefined;
  if (copy.unsettledAt !== undefined && at - copy.unsettledAt <= healingMsMax) return undefined;
  const fitness = fitnessOf(state, copy, at, 0);
  return fitness?.state === 'expired' || fitness?.state === 'spent' ? fitness : undefined;
}

/** Whether its turn will come: what was written under a permit already, or waits for nobody, has none to come. */
function isInLine({ link, claims }: AgentState, key: CopyKey): boolean {
  const phase = claims.byId.get(claims.byCopy.get(key) ?? 0)?.phase;
  return link.phase === 'online' && (phase === 'waiting' || phase === 'granted');
}
