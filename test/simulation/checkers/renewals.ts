import { haltOf } from '@authmesh/coordinator/core/lease/standing';
import type { AccountRecord } from '@authmesh/coordinator/core/record';
import { accountLabel } from '@authmesh/shared/core/identifiers';
import { isUsable } from '@authmesh/shared/core/time';
import { printName } from '../wording.ts';
import type { World } from '../world/world.ts';
import { Violation } from './check.ts';
import { type Copy, copyText, custodyAt } from './copies.ts';

/** L3 for custody `vault`: the current refresh token lies in no store at all. */
export function checkVaulted(world: World, { account, current }: AccountRecord, copies: readonly Copy[]): void {
  for (const copy of copies) {
    const { access, refresh, identity } = copy.entry;
    if (custodyAt({ ...copy, account }) !== 'vault' || identity === 'profile') continue;
    if (refresh && access?.print === current?.access && refresh.print === current?.refresh)
      throw new Violation('L3', `${copyText(world, copy)} of ${accountLabel(account)} keeps its refresh token`);
  }
}

/** L5: what the disks of the fleet have of the current login the coordinator has as well. */
export function checkKept(world: World, { account, current }: AccountRecord): void {
  if (!current || current.refresh !== undefined || current.why === 'restored') return;
  for (const host of world.hosts) {
    const facts = host.agent && host.journal.accounts.get(account)?.facts;
    if (
      !facts?.refresh ||
      facts.access !== current.access ||
      custodyAt({ host, account, profile: facts.profile }) !== 'vault'
    )
      continue;
    throw new Violation('L5', `${accountLabel(account)} has lost its refresh token, which ${host.name} has`);
  }
}

/** L4: a login that can be renewed, by the fleet and at its provider, works: one that no OpenClaw may be renewing. */
export function checkFresh(world: World, record: AccountRecord): void {
  const { account, profile, current } = record;
  const refresh = current?.refresh === undefined ? undefined : world.issuer.secretOf(current.refresh);
  if (!current || !refresh || !world.issuer.isRefreshGood(refresh) || haltOf(record)) return;
  const isRefreshed = world.hosts.some(host => host.agent && custodyAt({ host, account, profile }) === 'vault');
  // A file copied by hand from a host with a wrong clock says too late an end: until then nothing shows that it is over.
  if (isUsable(current.expiresAt, world.now + world.central.skewMs)) return;
  const access = world.issuer.secretOf(current.access);
  if (isRefreshed && !isHeld(world, record) && access && !world.issuer.isAccessGood(access, world.now))
    throw new Violation(
      'L4',
      `${accountLabel(account)} has ended at ${printName(world, current.access)}, which can be renewed`,
    );
}

/** Whether a store has the refresh token that is not to give it up, or cannot: its OpenClaw spends it without asking. */
function isHeld(world: World, { account, current }: AccountRecord): boolean {
  return world.hosts.some(host => {
    if (!host.agent) return false;
    return [...host.disk.stores.values()].some(store =>
      [...store.profiles].some(([profile, entry]) => {
        if (entry.account !== account || entry.refresh?.print !== current?.refresh) return false;
        return store.condition !== 'whole' || store.readOnly || custodyAt({ host, account, profile }) !== 'vault';
      }),
    );
  });
}
