import { type Custody, custodyBy, custodySetting } from '@authmesh/shared/core/custody';
import { type AccountId, accountLabel, accountProvider, type ProfileId } from '@authmesh/shared/core/identifiers';
import type { Host } from '../host.ts';
import { printName } from '../wording.ts';
import type { Entry, Store } from '../world/disk.ts';
import type { World } from '../world/world.ts';

/** A profile in a store that can be written, on a host whose agent runs. */
export interface Copy {
  readonly host: Host;
  readonly store: Store;
  readonly profile: ProfileId;
  readonly entry: Entry;
}

/** All of a fleet. */
export function copiesByAccount(world: World): Map<AccountId, Copy[]> {
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

/** The custody of a login on a host: what that host cannot refresh is its OpenClaw's. */
export function custodyAt({
  host,
  account,
  profile,
}: Pick<Copy, 'host' | 'profile'> & { account: AccountId }): Custody {
  const provider = accountProvider(account);
  const { custody, refreshes } = host.config;
  return custodyBy(custodySetting(custody, { provider, account: accountLabel(account), profile }), provider, refreshes);
}

/** How a violation names one. */
export function copyText(world: World, { host, store, profile, entry }: Copy): string {
  const what =
    entry.shape === 'tokens' ? `${printName(world, entry.access?.print)}${entry.refresh ? '+r' : ''}` : entry.shape;
  return `${host.name} ${store.id} ${profile} (${what})`;
}
