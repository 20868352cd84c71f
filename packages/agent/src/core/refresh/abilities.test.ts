import type { Inventory } from '@authmesh/shared/protocol/up';
import { describe, expect, it } from 'vitest';
import { account, createScene, facts, holds, only, print, refreshesXai, type Scene, seen } from '../agent-scene.ts';
import type { AgentEffect } from '../effect.ts';
import type { OpenLease } from './open-lease.ts';

const vaults = { custody: 'vault', refreshes: refreshesXai } as const;
const open: OpenLease = { account, epoch: 1, access: print('1'), refresh: print('a'), outcome: undefined };
const messagesIn = (effects: readonly AgentEffect[]) => only(effects, 'send').map(({ message }) => message);

/** The last part of the inventory, and what is vouched for after it. */
function told(scene: Scene): Partial<Inventory> & { readonly vouched: readonly unknown[] } {
  const messages = messagesIn(scene.connect());
  const inventory = messages.findLast(({ type }) => type === 'inventory') as Inventory;
  const vouched = messages.flatMap(message => (message.type === 'acknowledge' ? (message.known ?? []) : []));
  return { ...inventory, vouched };
}

describe('what a node says that it can do', () => {
  it('is to refresh where it can', () => {
    expect(told(createScene({ refreshes: refreshesXai })).refreshes).toEqual(['xai']);
    expect(told(createScene()).refreshes).toEqual([]);
    // It may be gone in the middle of an exchange.
    expect(told(createScene({ refreshes: refreshesXai, takesLeases: false })).refreshes).toEqual([]);
  });

  it('names the refresh tokens of stores that it keeps out of the fleet', () => {
    const scene = createScene({ ...vaults, profiles: { allow: ['*'], deny: ['xai*'] } });
    scene.tell(holds(seen('1', { refresh: print('a') })));
    expect(told(scene)).toMatchObject({ observations: [], withheld: [print('a')] });
  });

  it('leaves out its leases when its memory has a hole, or holds more than a message', () => {
    const scene = createScene(vaults, [{ kind: 'lease', account, lease: open }]);
    expect(told(scene).leases).toMatchObject([{ account, epoch: 1 }]);
    const damaged = createScene(vaults, [{ kind: 'hole', hole: {} }]);
    expect(told(damaged).leases).toBeUndefined();
    const many = createScene(vaults);
    for (let index = 0; index <= 200; index++) many.state().leases.set(`oauth:xai/a${index}` as typeof account, open);
    expect(told(many).leases).toBeUndefined();
  });
});

describe('what a node vouches for', () => {
  const current = facts('1', 1, { refresh: print('a') });
  const { position, generation } = current;

  it('is told on each link, and as soon as its custody is changed', () => {
    const scene = createScene(vaults);
    scene.announce(current);
    expect(told(scene).vouched).toEqual([{ account, position, generation }]);
    const later = createScene({ ...vaults, custody: 'home' });
    later.announce(current);
    expect(told(later).vouched).toEqual([]);
    const config = { ...later.state().config, custody: 'vault' } as const;
    const effects = later.tell({ type: 'configured', config });
    expect(messagesIn(effects)).toContainEqual(
      expect.objectContaining({ type: 'acknowledge', known: [{ account, position, generation }] }),
    );
  });
});

it('logins that need a sign-in are in no other’s way', () => {
  const scene = createScene(vaults);
  const refused = { miss: 'refused', why: 'invalid_grant' } as const;
  for (let index = 0; index < 200; index++)
    scene.state().leases.set(`oauth:xai/a${index}` as typeof account, { ...open, outcome: refused });
  scene.connect();
  scene.hear({ type: 'synced' });
  scene.announce(facts('1', 1, { refresh: print('a') }));
  const terms = { epoch: 1, leaseMs: 180_000, generation: 2, guarded: false };
  const effects = scene.hear({ type: 'lease', account, access: print('1'), refresh: print('a'), ...terms });
  expect(only(effects, 'exchange')).toHaveLength(1);
});
