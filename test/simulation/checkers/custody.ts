import { custodyOf } from '@authmesh/shared/core/custody';
import { accountLabel, accountProvider } from '@authmesh/shared/core/identifiers';
import type { Host } from '../host.ts';
import type { Secret } from '../world/secret.ts';
import type { World } from '../world/world.ts';
import { type Checker, type StoreWrite, Violation } from './check.ts';

/** I9: under custody `home`, authmesh never puts a refresh token into a second host's stores. */
export function checkCustody(): Checker {
  return {
    wrote: (world, write) => {
      const { refresh } = write.after;
      if (!refresh || write.before?.refresh === refresh || custodyAt(write) !== 'home') return;
      const other = otherHolder(world, write.host, refresh);
      // What lay on both hosts before the installation is taken away where it does not belong; this store is not why.
      if (other && !holdsElsewhere(write, refresh)) {
        throw new Violation(
          'I9',
          `${write.host.name} ${write.store.id} ${write.profile} got the refresh token that ${other.name} holds`,
        );
      }
    },
  };
}

/** I10: authmesh never writes a refresh token that its own host has seen renewed. */
export function checkSpending(): Checker {
  return {
    seen: (_world, _host, agent, store) => {
      for (const { shape, access } of store.profiles.values()) {
        if (shape === 'tokens' && access) learn(agent.told, access);
      }
    },
    agentStepped: (world, _host, agent, event) => {
      if (event.type !== 'announced' || event.problem) return;
      const secret = world.issuer.secretOf(event.facts.access);
      if (secret) learn(agent.told, secret);
    },
    agentEffect: (world, host, agent, effect) => {
      if ((effect.type !== 'write-credential' && effect.type !== 'create-profile') || effect.form !== 'full') return;
      const access = world.issuer.secretOf(effect.access);
      if (!access?.family.provider.rotates) return;
      const newest = agent.told.get(access.family);
      if (newest !== undefined && access.serial < newest) {
        throw new Violation(
          'I10',
          `${host.name} ${effect.store} ${effect.profile} gets a refresh token that is known to be spent`,
        );
      }
    },
  };
}

function learn(told: Map<Secret['family'], number>, { family, serial }: Secret): void {
  if ((told.get(family) ?? 0) < serial) told.set(family, serial);
}

function custodyAt({ host, account, profile }: StoreWrite) {
  const subject = { provider: accountProvider(account), account: accountLabel(account), profile };
  return custodyOf(host.config.custody, subject);
}

function holdsElsewhere({ host, store, profile }: StoreWrite, refresh: Secret): boolean {
  for (const other of host.disk.stores.values()) {
    for (const [id, entry] of other.profiles)
      if (entry.refresh === refresh && (other !== store || id !== profile)) return true;
  }
  return false;
}

function otherHolder(world: World, host: Host, refresh: Secret): Host | undefined {
  return world.hosts.find(
    other =>
      other !== host &&
      [...other.disk.stores.values()].some(store =>
        [...store.profiles.values()].some(entry => entry.refresh === refresh),
      ),
  );
}
