import type { Fingerprint } from '@authmesh/shared/core/identifiers';
import { type Agent, clockWasSet, type Host } from '../host.ts';
import type { Secret } from '../world/secret.ts';
import type { World } from '../world/world.ts';
import { type Checker, type Delivery, Violation } from './check.ts';
import { custodyAt } from './copies.ts';

/**
 * I9: under custody `home`, authmesh never puts a refresh token into a second host's stores: it gives the token to the
 * home alone, and to no second home. What lay on two hosts before the installation, or was put back by an operator, is
 * not its doing; `liveness.ts` demands that it is taken away.
 */
export function checkCustody(): Checker {
  const givenTo = new Map<Secret, Host>();
  const checkForm = (world: World, host: Host, _agent: Agent, { form, account, profile, store }: Delivery) => {
    if (form !== 'full') return;
    const custody = custodyAt({ host, account, profile });
    if (custody === 'vault')
      throw new Violation('I9', `${host.name} ${store} ${profile} gets a refresh token of a vault`);
    const home = host.journal.accounts.get(account)?.facts.home;
    if (home === host.id || custody !== 'home') return;
    const name = (home && world.hostsById.get(home)?.name) ?? 'nowhere';
    throw new Violation(
      'I9',
      `${host.name} ${store} ${profile} gets the refresh token of a login whose home is ${name}`,
    );
  };
  return {
    agentEffects: { 'write-credential': checkForm, 'create-profile': checkForm },
    wrote: (_world, write) => {
      const { refresh } = write.after;
      if (!refresh || write.before?.refresh === refresh || custodyAt(write) !== 'home') return;
      const say = (why: string) =>
        new Violation('I9', `${write.host.name} ${write.store.id} ${write.profile} got a refresh token ${why}`);
      const given = givenTo.get(refresh);
      // An operator's restore moves a home: what the former one still has is taken away once this one holds it.
      const isMoved = write.host.journal.accounts.get(write.account)?.facts.restored === true;
      if (!isMoved && given && given !== write.host && holds(given, refresh)) throw say(`that ${given.name} was given`);
      givenTo.set(refresh, write.host);
    },
  };
}

/**
 * I10: authmesh never writes a refresh token that is spent, as its host can see: a store there holds what it was renewed
 * into, or a fence that was made of that.
 */
export function checkSpending(): Checker {
  const restored = new Set<Fingerprint>();
  const checkRefresh = (world: World, host: Host, agent: Agent, effect: Delivery) => {
    if (effect.form !== 'full') return;
    const access = world.issuer.secretOf(effect.access);
    if (!access?.family.provider.rotates || restored.has(effect.access)) return;
    const told = agent.told.get(access.family);
    // After somebody set a clock, an expiry may say that the renewal is the older one.
    if (told === undefined || told <= access.serial || clockWasSet(world)) return;
    if (holdsRenewal(host, access, told)) {
      throw new Violation(
        'I10',
        `${host.name} ${effect.store} ${effect.profile} gets a refresh token that is known to be spent`,
      );
    }
  };
  return {
    coordinatorEffects: {
      announce: (_world, _process, { announcement }) => {
        // An operator's `restore` may bring back what only a lost part of the coordinator's store knew to be spent.
        if (announcement.restored) restored.add(announcement.access);
      },
    },
    seen: (_world, _host, agent, store, seen) => {
      // What half a file hides was not seen.
      if (seen.state !== 'readable') return;
      for (const { shape, access } of store.profiles.values()) {
        if (shape === 'tokens' && access) learn(agent.told, access);
      }
    },
    agentEffects: { 'write-credential': checkRefresh, 'create-profile': checkRefresh },
  };
}

function holdsRenewal(host: Host, { family, serial }: Secret, told: number): boolean {
  for (const store of host.disk.stores.values()) {
    for (const { access, spends } of store.profiles.values()) {
      const held = access ?? spends;
      if (held?.family === family && held.serial > serial && held.serial <= told) return true;
    }
  }
  return false;
}

function learn(told: Map<Secret['family'], number>, { family, serial }: Secret): void {
  if ((told.get(family) ?? 0) < serial) told.set(family, serial);
}

function holds(host: Host, refresh: Secret): boolean {
  return [...host.disk.stores.values()].some(store =>
    [...store.profiles.values()].some(entry => entry.refresh === refresh),
  );
}
