import { type AccountRecord, accountKey } from '@authmesh/coordinator/core/record';
import { custodyOf } from '@authmesh/shared/core/custody';
import type { AccountId, ProfileId } from '@authmesh/shared/core/identifiers';
import { accountLabel, accountProvider } from '@authmesh/shared/core/identifiers';
import { printName } from '../describe.ts';
import type { Host } from '../host.ts';
import type { Entry, Store } from '../world/disk.ts';
import type { Secret } from '../world/secret.ts';
import type { World } from '../world/world.ts';
import { Violation } from './check.ts';

/** A profile in a store that can be written, on a host whose agent runs. */
interface Copy {
  readonly host: Host;
  readonly store: Store;
  readonly profile: ProfileId;
  readonly entry: Entry;
}

/**
 * Liveness, asked when faults have healed and the bound has passed: who could hold a usable login holds one, the
 * current one unless it is a live parallel login, and no refresh token of a `home` login lies on two hosts.
 */
export function checkLiveness(world: World): void {
  for (const [account, copies] of copiesByAccount(world)) {
    if (copies.every(({ entry }) => entry.identity === 'profile')) continue;
    checkUsable(world, account, copies);
    checkCurrent(world, account, copies);
    checkHolders(world, account, copies);
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

function copiesByAccount(world: World): Map<AccountId, Copy[]> {
  const byAccount = new Map<AccountId, Copy[]>();
  for (const host of world.hosts) {
    if (!host.agent) continue;
    for (const store of host.disk.stores.values()) {
      if (store.condition !== 'whole' || store.readOnly) continue;
      for (const [profile, entry] of store.profiles) {
        const copies = byAccount.get(entry.account);
        if (copies) copies.push({ host, store, profile, entry });
        else byAccount.set(entry.account, [{ host, store, profile, entry }]);
      }
    }
  }
  return byAccount;
}

function isUsable(world: World, { shape, access }: Entry): boolean {
  return shape === 'tokens' && access !== undefined && world.issuer.isAccessGood(access, world.now);
}

/** L1: when one copy is usable, all are. */
function checkUsable(world: World, account: AccountId, copies: readonly Copy[]): void {
  const usable = copies.find(({ entry }) => isUsable(world, entry));
  const unusable = copies.find(({ entry }) => entry.identity === 'account' && !isUsable(world, entry));
  if (usable && unusable) {
    throw new Violation(
      'L1',
      `${copyText(world, unusable)} of ${accountLabel(account)} is unusable though ${copyText(world, usable)} is good`,
    );
  }
}

/** L2: a usable copy is the current credential, or a login of its own that cannot be placed before or after it. */
function checkCurrent(world: World, account: AccountId, copies: readonly Copy[]): void {
  const record = world.central.records.entries.get(accountKey(account))?.value as AccountRecord | undefined;
  const current = record?.current && world.issuer.secretOf(record.current.access);
  if (!current) throw new Violation('L2', `${accountLabel(account)} has no current credential`);
  for (const copy of copies) {
    const { access, refresh, identity, issuedAt } = copy.entry;
    if (!access || access === current || identity === 'profile' || !isUsable(world, copy.entry)) continue;
    const known =
      record.ancestors.includes(access.print) || (refresh !== undefined && record.spent.includes(refresh.print));
    if (issuedAt === undefined && !known) continue;
    throw new Violation(
      'L2',
      `${copyText(world, copy)} of ${accountLabel(account)} is not the current ${printName(world, current.print)}`,
    );
  }
}

/** L3 (I9 at rest): a refresh token of a `home` login lies on one host. */
function checkHolders(world: World, account: AccountId, copies: readonly Copy[]): void {
  const holders = new Map<Secret, Copy>();
  for (const copy of copies) {
    const { refresh, identity } = copy.entry;
    const subject = { provider: accountProvider(account), account: accountLabel(account), profile: copy.profile };
    if (!refresh || identity === 'profile' || custodyOf(copy.host.config.custody, subject) === 'copy') continue;
    const holder = holders.get(refresh);
    if (holder && holder.host !== copy.host) {
      throw new Violation(
        'L3',
        `${copyText(world, holder)} and ${copyText(world, copy)} hold the same refresh token of ${accountLabel(account)}`,
      );
    }
    holders.set(refresh, copy);
  }
}

function copyText(world: World, { host, store, profile, entry }: Copy): string {
  const what =
    entry.shape === 'tokens' ? `${printName(world, entry.access?.print)}${entry.refresh ? '+r' : ''}` : entry.shape;
  return `${host.name} ${store.id} ${profile} (${what})`;
}
