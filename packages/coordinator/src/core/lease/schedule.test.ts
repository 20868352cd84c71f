import type { AccountId } from '@authmesh/shared/core/identifiers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSchedule, nextAt, plan, takeDue } from './schedule.ts';

const accounts = Array.from({ length: 8 }, (_, index) => `oauth:xai/${index}` as AccountId);
const step = fc.oneof(
  fc.record({ account: fc.constantFrom(...accounts), at: fc.option(fc.nat(50)) }),
  fc.record({ now: fc.nat(50) }),
);

it('has every account at its last planned moment, and no other', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const schedule = createSchedule();
      const wanted = new Map<AccountId, number>();
      for (const one of steps) {
        if ('now' in one) {
          const due = [...wanted].filter(([, at]) => at <= one.now).sort(([, a], [, b]) => a - b);
          const taken = takeDue(schedule, one.now);
          expect(taken === undefined).toBe(due.length === 0);
          if (taken === undefined) continue;
          expect(wanted.get(taken)).toBe(due[0]?.[1]);
          wanted.delete(taken);
        } else {
          plan(schedule, one.account, one.at);
          if (one.at === null) wanted.delete(one.account);
          else wanted.set(one.account, one.at);
        }
        expect(nextAt(schedule)).toBe(wanted.size === 0 ? undefined : Math.min(...wanted.values()));
        expect(schedule.times.length).toBeLessThanOrEqual(2 * wanted.size + 17);
      }
    }),
  );
});
