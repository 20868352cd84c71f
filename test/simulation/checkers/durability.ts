import { type AccountRecord, accountKey } from '@authmesh/coordinator/core/record';
import { accountLabel } from '@authmesh/shared/core/identifiers';
import { comparePositions } from '@authmesh/shared/core/position';
import { type Checker, Violation } from './check.ts';

/** I2: what is announced was durable first: the store holds this very revision, or a later one. */
export function checkDurability(): Checker {
  return {
    coordinatorEffects: {
      announce: (world, _process, { announcement: { account, position, access } }) => {
        const stored = world.central.records.entries.get(accountKey(account));
        const current = (stored?.value as AccountRecord | undefined)?.current;
        const order = current ? comparePositions(current.position, position) : -1;
        if (order < 0 || (order === 0 && current?.access !== access)) {
          throw new Violation(
            'I2',
            `${accountLabel(account)} was announced at ${position.epoch}.${position.revision} before it was durable`,
          );
        }
      },
    },
  };
}
