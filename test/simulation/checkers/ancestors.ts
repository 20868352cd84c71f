import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import { comparePositions, type Position } from '@authmesh/shared/core/position';
import { printName } from '../describe.ts';
import { type Checker, Violation } from './check.ts';

/**
 * I1: no store goes from a credential to one of its ancestors by a write of authmesh, `restore` aside. Judged twice: by
 * what the issuer knows (an earlier renewal of the same login), and by the order in which the fleet announced.
 */
export function checkAncestors(): Checker {
  const announcedAt = new Map<Fingerprint, Position>();
  const restored = new Set<Fingerprint>();
  return {
    coordinatorEffect: (_world, _process, effect) => {
      if (effect.type !== 'announce') return;
      const { access, position } = effect.announcement;
      const before = announcedAt.get(access);
      if (!before || comparePositions(position, before) > 0) announcedAt.set(access, position);
      if (effect.announcement.restored) restored.add(access);
    },
    wrote: (world, { host, store, profile, before, after }) => {
      const older = after.access;
      const newer = before?.access;
      if (!older || !newer || restored.has(older.print)) return;
      const say = (why: string) =>
        new Violation(
          'I1',
          `${host.name} ${store.id} ${profile} went from ${printName(world, newer.print)} back to ${printName(world, older.print)}: ${why}`,
        );
      if (older.family === newer.family && older.serial < newer.serial)
        throw say('an earlier renewal of the same login');
      const olderAt = announcedAt.get(older.print);
      const newerAt = announcedAt.get(newer.print);
      if (olderAt && newerAt && comparePositions(olderAt, newerAt) < 0) throw say('it was announced before');
    },
  };
}
