import type { Instant } from '@authmesh/shared/core/time';
import { noteWoken } from '../sessions.ts';
import { type Checker, Violation, type Woken } from './check.ts';

/**
 * I11: no more sessions of a pool are coming back at once than its hard limit, whoever crashed, slept or was cut off.
 * A session comes back from the moment when it is let go until its login was used, or its settle time is over.
 */
export function checkSessions(): Checker {
  const underWay = new Map<string, (Woken & { readonly until: Instant })[]>();
  return {
    wrote: noteWoken,
    letGo: (world, woken) => {
      const { terms, settleMs } = woken;
      // Sessions that are let go once more are the same sessions.
      const before = (underWay.get(terms.name) ?? []).filter(
        one => one.until > world.now && (woken.store === undefined || one.store !== woken.store),
      );
      const all = [...before, { ...woken, until: world.now + settleMs }];
      underWay.set(terms.name, all);
      const sessions = all.reduce((sum, one) => sum + one.sessions, 0);
      if (sessions <= terms.limit) return;
      const who = all.map(one => `${one.who} since ${(world.now - one.until + one.settleMs) / 1_000} s`).join('; ');
      throw new Violation(
        'I11',
        `${sessions} sessions of pool ${terms.name} come back at once, at most ${terms.limit} may: ${who}`,
      );
    },
    used: (_world, store, profile) => {
      for (const [name, all] of underWay) {
        if (all.some(one => isOf(one, store, profile))) {
          underWay.set(
            name,
            all.filter(one => !isOf(one, store, profile)),
          );
        }
      }
    },
  };
}

function isOf(woken: Woken, store: Woken['store'], profile: Woken['profile']): boolean {
  return woken.store === store && woken.profile === profile;
}
