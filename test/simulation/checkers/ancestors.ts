import type { AgentEffect } from '@authmesh/agent/core/effect';
import { type AccountRecord, accountKey, accountOfKey } from '@authmesh/coordinator/core/record';
import { type AccountId, accountLabel, copyKey, type Fingerprint } from '@authmesh/shared/core/identifiers';
import { comparePositions, type Position } from '@authmesh/shared/core/position';
import type { Process } from '../central.ts';
import { clockWasSet } from '../host.ts';
import { printName } from '../wording.ts';
import type { World } from '../world/world.ts';
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
  /** What was current when an operator went back: a host that was away goes from it to whatever came after that. */
  const abandoned = new Set<Fingerprint>();
  return {
    coordinatorEffects: {
      'compare-and-set': (world, process, { key, value }) => {
        if (accountOfKey(key) === undefined) return;
        const record = value as AccountRecord;
        checkTakenBack(world, process, record);
        const { account, current } = record;
        const before = process.state.accounts.get(account)?.record.current;
        if (current?.why === 'restored' && before && before.access !== current.access) abandoned.add(before.access);
      },
      announce: (_world, _process, { announcement: { access, position, restored: isRestored } }) => {
        const before = announcedAt.get(access);
        if (!before || comparePositions(position, before) > 0) announcedAt.set(access, position);
        abandoned.delete(access);
        if (isRestored) restored.add(access);
      },
    },
    wrote: (world, { host, store, profile, before, after }) => {
      const older = after.access;
      const newer = before?.access;
      if (!older || !newer || restored.has(older.print) || abandoned.has(newer.print)) return;
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
      }
    },
    agentEffects: {
      'write-credential': (world, host, _agent, effect) => {
        const { store, profile, account, expected, access } = effect;
        if (expected.access === undefined || restored.has(access)) return;
        const olderAt = announcedAt.get(access);
        const newerAt = announcedAt.get(expected.access);
        const told = host.journal.accounts.get(account)?.facts.position;
        const say = (why: string) =>
          new Violation(
            'I1',
            `${host.name} ${store} ${profile} goes from ${printName(world, expected.access)} back to ${printName(world, access)}: ${why}`,
          );
        // An announcement that is still on its way is none of this host's knowledge, nor is what the record says since.
        if (!told) return;
        const record = recordOf(world, account);
        if (record?.current && comparePositions(record.current.position, told) <= 0 && isRenewedInto(world, effect)) {
          if (record.ancestors.includes(access)) throw say('the fleet knows it to be an ancestor');
        }
        if (!olderAt || !newerAt || comparePositions(newerAt, told) > 0) return;
        if (comparePositions(olderAt, newerAt) < 0) throw say('it was announced before');
      },
    },
  };
}

/** Whether what stands there came out of what is written over it. */
function isRenewedInto({ issuer }: World, { access, expected }: Extract<AgentEffect, { type: 'write-credential' }>) {
  const older = issuer.secretOf(access);
  const newer = expected.access && issuer.secretOf(expected.access);
  return older !== undefined && newer !== undefined && older.family === newer.family && older.serial < newer.serial;
}

function recordOf(world: World, account: AccountId): AccountRecord | undefined {
  return world.central.records.entries.get(accountKey(account))?.value as AccountRecord | undefined;
}

/** The coordinator makes nothing current again that its own record knows to be an ancestor, unless an operator did. */
function checkTakenBack(world: World, process: Process, { account, current }: AccountRecord): void {
  const before = process.state.accounts.get(account)?.record;
  if (!current || !before || current.access === before.current?.access) return;
  if (current.why === 'restored' || !before.ancestors.includes(current.access)) return;
  throw new Violation(
    'I1',
    `${accountLabel(account)} is taken back to ${printName(world, current.access)}, which is known to be an ancestor`,
  );
}
