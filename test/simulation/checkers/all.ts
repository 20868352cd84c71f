import { checkAncestors } from './ancestors.ts';
import { checkBounds } from './bounds.ts';
import { type Checks, composeChecks } from './check.ts';
import { checkCustody, checkSpending } from './custody.ts';
import { checkDurability } from './durability.ts';
import { checkMonotony } from './monotony.ts';
import { checkRefreshing } from './refreshing.ts';
import { checkSecrecy } from './secrecy.ts';
import { checkSessions } from './sessions.ts';
import { checkAccounts, checkOtherFields, checkQuarantine } from './stores.ts';
import { checkTelling } from './telling.ts';

/** Every checker that watches a run step by step; `liveness.ts` looks at its end. */
export function createChecks(): Checks {
  return composeChecks([
    checkAncestors(),
    checkDurability(),
    checkMonotony(),
    checkOtherFields(),
    checkSecrecy(),
    checkBounds(),
    checkQuarantine(),
    checkAccounts(),
    checkCustody(),
    checkSpending(),
    checkRefreshing(),
    checkSessions(),
    checkTelling(),
  ]);
}
