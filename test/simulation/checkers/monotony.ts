import { accountLabel } from '@authmesh/shared/core/identifiers';
import { comparePositions } from '@authmesh/shared/core/position';
import { type Checker, Violation } from './check.ts';

/** I3: the positions and generations that a node applies of an account only rise, over crashes too. */
export function checkMonotony(): Checker {
  return {
    remembered: (_world, host, memory) => {
      if (memory.kind !== 'account') return;
      const { account, position, generation } = memory.account;
      const before = host.journal.accounts.get(account)?.facts;
      if (!before) return;
      if (comparePositions(position, before.position) < 0) {
        throw new Violation(
          'I3',
          `${host.name} went back from position ${before.position.epoch}.${before.position.revision} of ${accountLabel(account)} to ${position.epoch}.${position.revision}`,
        );
      }
      if (generation < before.generation) {
        throw new Violation(
          'I3',
          `${host.name} went back from generation ${before.generation} of ${accountLabel(account)} to ${generation}`,
        );
      }
    },
  };
}
