import { type Condition, compareSeverity, wheresNamed } from '@authmesh/shared/core/alerts/incident';
import type { Instant } from '@authmesh/shared/core/time';
import { incidentIdCharsMax, sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import type { CoordinatorState } from '../state.ts';
import { coordinatorConditions, nodeConditions, poolConditions, secretConditions } from './fleet-conditions.ts';
import { copyConditions, loginConditions } from './login-conditions.ts';

/** Everything that is wrong now, worst first; of one subject the worst, with what else is wrong of it. */
export function conditionsOf(state: CoordinatorState, at: Instant): Condition[] {
  const bySubject = new Map<string, Condition[]>();
  for (const rule of rules) {
    for (const found of rule(state, at)) {
      const others = bySubject.get(found.id);
      if (others) others.push(found);
      else bySubject.set(found.id, [found]);
    }
  }
  return [...bySubject.values()].map(together).sort(compareSeverity);
}

const rules = [
  loginConditions,
  copyConditions,
  secretConditions,
  nodeConditions,
  poolConditions,
  coordinatorConditions,
] as const;

function together(found: Condition[]): Condition {
  const [worst, ...others] = found.sort(compareSeverity);
  if (!worst) throw new TypeError('a subject without a condition');
  const further = [...new Set(others.map(({ what }) => what))].filter(what => what !== worst.what);
  const where = [...new Set(found.flatMap(one => one.where))].sort();
  return {
    ...worst,
    id: worst.id.slice(0, incidentIdCharsMax),
    what: worst.what.slice(0, sentenceCharsMax),
    why: [worst.why, ...further]
      .filter(text => text !== '')
      .join('; ')
      .slice(0, sentenceCharsMax),
    where: where.slice(0, wheresNamed),
    breaks: worst.breaks.slice(0, sentenceCharsMax),
    mend: worst.mend.slice(0, sentenceCharsMax),
  };
}
