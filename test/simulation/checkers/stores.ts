import { accountLabel } from '@authmesh/shared/core/identifiers';
import type { Agent, Host } from '../host.ts';
import type { World } from '../world/world.ts';
import { type Checker, type Delivery, Violation } from './check.ts';

/** I4: the other fields of a store never change by a write of authmesh. */
export function checkOtherFields(): Checker {
  return {
    wrote: (_world, { host, store, profile, before, after, otherBefore }) => {
      if (store.other !== otherBefore || (before && before.other !== after.other)) {
        throw new Violation('I4', `${host.name} ${store.id} ${profile}: fields beside the credential changed`);
      }
    },
  };
}

/** I7: what the core knows to be set aside is never written, nor is a file that cannot be understood. */
export function checkQuarantine(): Checker {
  const checkTarget = (_world: World, host: Host, agent: Agent, { store }: Delivery) => {
    if (agent.setAside.has(store)) {
      throw new Violation('I7', `${host.name} delivers into ${store}, which it knows to be set aside`);
    }
  };
  return {
    seen: (_world, _host, agent, store, seen) => {
      if (seen.state === 'quarantined') agent.setAside.add(store.id);
      else agent.setAside.delete(store.id);
    },
    agentEffects: { 'write-credential': checkTarget, 'create-profile': checkTarget },
    wrote: (_world, { host, store }) => {
      if (store.condition !== 'whole')
        throw new Violation('I7', `${host.name} wrote ${store.id}, which is ${store.condition}`);
    },
  };
}

/** I8: accounts never mix: what is written, published and announced belongs to the account that it is said to be of. */
export function checkAccounts(): Checker {
  return {
    wrote: (_world, { host, store, profile, account, credential, before }) => {
      if (credential.account !== account) {
        throw new Violation(
          'I8',
          `${host.name} ${store.id} ${profile}: a credential of ${accountLabel(credential.account)} was written as ${accountLabel(account)}`,
        );
      }
      if (before && before.account !== account) {
        throw new Violation(
          'I8',
          `${host.name} ${store.id} ${profile} of ${accountLabel(before.account)} was written with ${accountLabel(account)}`,
        );
      }
    },
    sealed: (_world, host, observation, credential) => {
      if (credential && credential.account !== observation.account) {
        throw new Violation(
          'I8',
          `${host.name} publishes a credential of ${accountLabel(credential.account)} as ${accountLabel(observation.account)}`,
        );
      }
    },
  };
}
