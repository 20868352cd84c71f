import { type AccountRecord, accountKey } from '@authmesh/coordinator/core/record';
import { copyKey, type Fingerprint } from '@authmesh/shared/core/identifiers';
import { comparePositions, type Position } from '@authmesh/shared/core/position';
import { clockWasSet } from '../host.ts';
import { printName } from '../wording.ts';
import { type Checker, Violation } from './check.ts';

/**
 * I1: no store goes from a credential to one of its ancestors by a write of authmesh, `restore` aside. An ancestor is what
 * the fleet announced earlier, and an earlier renewal of the same login that can be told from a later one: by the
 * issuer's dates, by what this store held before, or by the account's record. Opaque tokens of a login that several
 * hosts renew for themselves cannot.
 */
export function checkAncestors(): Checker {
  const announcedAt = new Map<Fingerprint, Position>();
  const restored = new Set<Fingerprint>();
  return {
    coordinatorEffects: {
      announce: (_world, _process, { announcement: { access, position, restored: isRestored } }) => {
        const before = announcedAt.get(access);
        if (!before || comparePositions(position, before) > 0) announcedAt.set(access, position);
        if (isRestored) restored.add(access);
      },
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
      if (older.family === newer.family && older.serial < newer.serial) {
        if (after.issuedAt !== undefined && before.issuedAt !== undefined) throw say('the issuer dates it earlier');
        const kept = host.journal.copies.get(copyKey(store.id, profile));
        const stood = kept?.chain.map(link => link.access) ?? [];
        // A store that an operator took to and fro shows no order, nor does an expiry after somebody set a clock.
        if (!clockWasSet(world) && stood.includes(older.print) && !stood.includes(newer.print))
          throw say('it stood here before');
        const record = world.central.records.entries.get(accountKey(after.account))?.value as AccountRecord | undefined;
        if (record?.ancestors.includes(older.print)) throw say('the fleet knows it to be an ancestor');
      }
    },
    agentEffects: {
      'write-credential': (world, host, _agent, { store, profile, account, expected, access }) => {
        if (expected.access === undefined || restored.has(access)) return;
        const olderAt = announcedAt.get(access);
        const newerAt = announcedAt.get(expected.access);
        const told = host.journal.accounts.get(account)?.facts.position;
        // An announcement that is still on its way is none of this host's knowledge.
        if (!olderAt || !newerAt || !told || comparePositions(newerAt, told) > 0) return;
        if (comparePositions(olderAt, newerAt) >= 0) return;
        throw new Violation(
          'I1',
          `${host.name} ${store} ${profile} goes from ${printName(world, expected.access)} back to ${printName(world, access)}: it was announced before`,
        );
      },
    },
  };
}
