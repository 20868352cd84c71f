import { type AccountRecord, accountKey } from '@authmesh/coordinator/core/record';
import { accountLabel } from '@authmesh/shared/core/identifiers';
import { isUsable as isUsableAt, minute } from '@authmesh/shared/core/time';
import { clockWasSet, hostClock } from '../host.ts';
import { printName } from '../wording.ts';
import type { Secret } from '../world/secret.ts';
import type { World } from '../world/world.ts';
import { Violation } from './check.ts';
import { type Copy, copiesByAccount, copyText, custodyAt } from './copies.ts';
import { checkFresh, checkKept, checkVaulted } from './renewals.ts';

/**
 * Liveness, asked when faults have healed and the bound has passed: who could hold a usable login holds one, the
 * current one unless it is a live parallel login, no refresh token of a `home` login lies on two hosts and none of a `vault`
 * login on any, and what the fleet can renew it has renewed.
 */
export function checkLiveness(world: World): void {
  for (const [account, copies] of copiesByAccount(world)) {
    if (copies.every(({ entry }) => entry.identity === 'profile')) continue;
    const record = world.central.records.entries.get(accountKey(account))?.value as AccountRecord | undefined;
    if (!record?.current) {
      if (copies.some(copy => isUsable(world, copy)))
        throw new Violation('L2', `${accountLabel(account)} has no current credential`);
      continue;
    }
    if (!isMisdated(world, record)) {
      checkUsable(world, record, copies);
      checkFresh(world, record);
    }
    checkCurrent(world, record, copies);
    checkHolders(world, record, copies);
    checkVaulted(world, record, copies);
    checkKept(world, record);
  }
}

/** Undefined when all is well; else what is not, so that a run can wait for it within its bound. */
export function livenessProblem(world: World): Violation | undefined {
  try {
    checkLiveness(world);
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
}

function isGood(world: World, { entry: { shape, access } }: Copy): boolean {
  return shape === 'tokens' && access !== undefined && world.issuer.isAccessGood(access, world.now);
}

/** Good by its own store's word as well: one that is dated wrongly is no help to anybody else. */
function isUsable(world: World, copy: Copy): boolean {
  return isGood(world, copy) && isUsableAt(copy.entry.expires, hostClock(world, copy.host));
}

/** Good by its own store's word, too, where nobody there can renew it: OpenClaw does not use what seems to have ended. */
function isHelped(world: World, copy: Copy): boolean {
  const { access, refresh } = copy.entry;
  if (!isGood(world, copy) || refresh !== undefined) return isGood(world, copy);
  // In its last minute it is not written anew: clocks differ by as much.
  const isEnding = access !== undefined && !world.issuer.isAccessGood(access, world.now + minute);
  return isEnding || isUsable(world, copy);
}

/**
 * Whether a copy may stand beside the current credential: its order cannot be proven, and its store says that it is
 * usable (a file copied by hand from a host with a wrong clock says so for too long).
 */
function mayStandBeside(world: World, { host, entry }: Copy, record: AccountRecord): boolean {
  const { shape, access, refresh, expires, issuedAt } = entry;
  if (shape !== 'tokens' || !access) return false;
  if (issuedAt !== undefined && issuedAt !== record.current?.issuedAt) return false;
  if (record.ancestors.includes(access.print)) return false;
  if (refresh && record.spent.includes(refresh.print)) return false;
  return isUsableAt(expires, hostClock(world, host));
}

/**
 * Whether the current login's expiry is not what the fleet believes: somebody set the clock of a host between a renewal
 * and its report, or the coordinator's at one. Until the expiry that was reported nothing shows the fleet that another login is better, or this one good.
 */
function isMisdated(world: World, { current }: AccountRecord): boolean {
  const access = current && world.issuer.secretOf(current.access);
  if (!access) return false;
  const isGood = world.issuer.isAccessGood(access, world.now);
  return isUsableAt(current.expiresAt, world.now + world.central.skewMs) !== isGood && clockWasSet(world);
}

/** L1: when one copy is usable, all are. */
function checkUsable(world: World, record: AccountRecord, copies: readonly Copy[]): void {
  const usable = copies.find(copy => isUsable(world, copy));
  const unusable = copies.find(
    copy => copy.entry.identity === 'account' && !isHelped(world, copy) && !mayStandBeside(world, copy, record),
  );
  if (usable && unusable) {
    throw new Violation(
      'L1',
      `${copyText(world, unusable)} of ${accountLabel(record.account)} is unusable though ${copyText(world, usable)} is good`,
    );
  }
}

/** L2: a usable copy is the current credential, or a login of its own that cannot be placed before or after it. */
function checkCurrent(world: World, record: AccountRecord, copies: readonly Copy[]): void {
  for (const copy of copies) {
    const { access, identity } = copy.entry;
    if (access?.print === record.current?.access || identity === 'profile' || !isUsable(world, copy)) continue;
    if (mayStandBeside(world, copy, record)) continue;
    throw new Violation(
      'L2',
      `${copyText(world, copy)} of ${accountLabel(record.account)} is not the current ${printName(world, record.current?.access)}`,
    );
  }
}

/**
 * L3 (I9 at rest): the current refresh token of a `home` login lies on one host. Where the home has none, because its
 * refresh failed or it is gone, nothing says which of the others may be taken away.
 */
function checkHolders(world: World, record: AccountRecord, copies: readonly Copy[]): void {
  const { current } = record;
  const isHolding = ({ entry: { access, refresh } }: Copy) => refresh && access?.print === current?.access;
  if (!copies.some(copy => copy.host.id === current?.home && isHolding(copy))) return;
  const holders = new Map<Secret, Copy>();
  for (const copy of copies) {
    const { access, refresh, identity } = copy.entry;
    if (!refresh || identity === 'profile' || custodyAt({ ...copy, account: record.account }) === 'copy') continue;
    if (access?.print !== record.current?.access) continue;
    const holder = holders.get(refresh);
    if (holder && holder.host !== copy.host) {
      throw new Violation(
        'L3',
        `${copyText(world, holder)} and ${copyText(world, copy)} hold the same refresh token of ${accountLabel(record.account)}`,
      );
    }
    holders.set(refresh, copy);
  }
}
