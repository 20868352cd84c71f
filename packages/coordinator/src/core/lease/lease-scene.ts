import { hour, minute } from '@authmesh/shared/core/time';
import type { Lease, Renewed } from '@authmesh/shared/protocol/lease';
import type { Observation } from '@authmesh/shared/protocol/observation';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import {
  account,
  acknowledge,
  createScene,
  founder,
  guest,
  observed,
  only,
  persistPools,
  print,
  publish,
  type Scene,
  sealedOf,
  start,
} from '../coordinator-scene.ts';
import type { CoordinatorEffect } from '../effect.ts';
import type { AccountRecord } from '../record.ts';
import { refreshViewOf } from './request.ts';

/** The link of the founder, whose store the login came from, and that of the guest. */
export const home = 1;
export const other = 2;

/** A login of one hour as a store has it that holds the refresh token, and as one that does not. */
export const full: Observation = observed('1', { refresh: print('a'), expiresAt: start + hour });
export const bearer = (access: string): Observation => observed(access, { expiresAt: start + hour });

/** A fleet of two that both can refresh, and a login whose home holds the refresh token in a store. */
export function createFleetOfTwo(): Scene {
  const scene = createScene();
  persistPools(scene);
  scene.connect(home, founder);
  scene.connect(other, guest);
  const { tellAll } = speakingIn(() => scene);
  tellAll(home);
  tellAll(other);
  scene.through(publish(home, full));
  return scene;
}

/** The same with a login that no store can spend. */
export function createVaultedFleet(): Scene {
  const scene = createFleetOfTwo();
  scene.through(acknowledge(home, bearer('1')));
  return scene;
}

/** What nodes say in a scene, and what is to be seen of the login there. */
export function speakingIn(scene: () => Scene) {
  const hear = (link: number, message: UpMessage) => scene().through({ type: 'frame-received', link, message });
  const record = () => scene().state().accounts.get(account)?.record;
  /** Lets time pass, and the timers with it. */
  const pass = (ms: number): readonly CoordinatorEffect[] => {
    scene().pass(ms);
    return scene().through({ type: 'timer-fired', timer: 'leases' });
  };
  return {
    hear,
    record,
    pass,
    /** A node tells all that it has: nothing, but that it can refresh. */
    tellAll: (link: number, more: object = {}) =>
      hear(link, {
        type: 'inventory',
        observations: [],
        known: [],
        refreshes: ['xai'],
        leases: [],
        last: true,
        ...more,
      }),
    view: () => {
      const entry = record();
      return entry && refreshViewOf(scene().state(), entry);
    },
    /** Waits for the account's time; its lease. */
    lease(): { readonly link: number; readonly lease: Lease } {
      const [given] = leasesIn(pass(50 * minute));
      if (!given) throw new Error('no lease was given');
      return given;
    },
  };
}

/** A scene of a coordinator that starts with a record alone. */
export function createSceneWith(record: AccountRecord | undefined): Scene {
  if (!record) throw new Error('the account is there');
  const scene = createScene({ accounts: [{ record, storeRevision: 1 }] });
  persistPools(scene);
  return scene;
}

export const leasesIn = (effects: readonly CoordinatorEffect[]) =>
  only(effects, 'send').flatMap(({ link, message }) => (message.type === 'lease' ? [{ link, lease: message }] : []));

export const settledIn = (effects: readonly CoordinatorEffect[]) =>
  only(effects, 'send').flatMap(({ message }) => (message.type === 'lease-settled' ? [message] : []));

export function renewalOf(
  lease: Pick<Lease, 'epoch' | 'access' | 'generation'>,
  renewed: Partial<Renewed> = {},
): UpMessage {
  const { epoch, access: replaced, generation } = lease;
  const next = { access: print('2'), refresh: print('b'), expiresAt: start + 3 * hour, ...renewed };
  return { type: 'renewal', account, epoch, replaced, renewed: next, generation, sealed: sealedOf('2') };
}

export function missOf(
  { epoch, access }: Pick<Lease, 'epoch' | 'access'>,
  miss: 'unused' | 'postponed' | 'unanswered' | 'refused',
  more = {},
): UpMessage {
  return { type: 'miss', account, epoch, access, miss, why: `it is ${miss}`, ...more };
}
