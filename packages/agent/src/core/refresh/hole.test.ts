import type { AccountId } from '@authmesh/shared/core/identifiers';
import { hour } from '@authmesh/shared/core/time';
import type { AnnouncementFacts } from '@authmesh/shared/protocol/announcement';
import { describe, expect, it } from 'vitest';
import { account, createScene, facts, only, print, refreshesXai, type Scene, sent, start } from '../agent-scene.ts';
import type { AgentEffect, Memory } from '../effect.ts';
import type { Hole } from './hole.ts';

const ofLogin = (access: string, revision: number, more: Partial<AnnouncementFacts> = {}) =>
  facts(access, revision, { refresh: print(access), expiresAt: start + hour, ...more });
const holed = (hole: Hole = {}, known: readonly Memory[] = []): Scene =>
  createScene({ custody: 'vault', refreshes: refreshesXai }, [...known, { kind: 'hole', hole }]);

/** Whether a node says which leases it has, on a link that it opens. */
function vouches(scene: Scene): boolean {
  const inventory = sent(scene.connect()).find(({ type }) => type === 'inventory');
  return inventory?.type === 'inventory' && inventory.leases !== undefined;
}
function reconnects(scene: Scene): boolean {
  scene.tell({ type: 'link-closed', reason: 'lost', message: 'gone' });
  scene.tell({ type: 'timer-fired', timer: 'dial' });
  return vouches(scene);
}
const kept = (effects: readonly AgentEffect[]) =>
  only(effects, 'remember').flatMap(({ memory }) => (memory.kind === 'hole' ? [memory.hole] : []));

describe('a hole in a node’s memory', () => {
  it('is there until each login that the fleet had then was renewed', () => {
    const scene = holed();
    expect(vouches(scene)).toBe(false);
    scene.announce(ofLogin('1', 1));
    scene.announce(ofLogin('3', 1, { account: 'oauth:xai/acct_2' as AccountId }));
    const logins = [
      { account, access: print('1') },
      { account: 'oauth:xai/acct_2', access: print('3') },
    ];
    expect(kept(scene.hear({ type: 'synced' }))).toEqual([{ logins }]);
    expect(kept(scene.announce(ofLogin('2', 2)))).toEqual([]);
    expect(reconnects(scene)).toBe(false);
    scene.hear({ type: 'synced' });
    const last = scene.announce(ofLogin('4', 2, { account: 'oauth:xai/acct_2' as AccountId }));
    expect(kept(last)).toEqual([null]);
    expect(reconnects(scene)).toBe(true);
  });

  it('outlives a restart, and what was announced again is no renewal', () => {
    const scene = holed({ logins: [{ account, access: print('1') }] });
    expect(vouches(scene)).toBe(false);
    scene.announce(ofLogin('1', 2));
    expect(kept(scene.hear({ type: 'synced' }))).toEqual([]);
    expect(kept(scene.announce(ofLogin('2', 3)))).toEqual([null]);
  });

  it('is closed at once where no login of the fleet can have been under lease', () => {
    const scene = holed();
    scene.connect();
    scene.announce(facts('1', 1, { refresh: print('a') }));
    scene.announce(facts('3', 1, { account: 'api-key:xai/k' as AccountId, kind: 'api_key' }));
    expect(kept(scene.hear({ type: 'synced' }))).toEqual([null]);
  });

  it('waits for a login whose record cannot be opened', () => {
    const scene = holed();
    scene.connect();
    scene.announce(ofLogin('1', 1), 'its record does not open');
    expect(kept(scene.hear({ type: 'synced' }))).toEqual([]);
    expect(reconnects(scene)).toBe(false);
    scene.announce(ofLogin('1', 1));
    expect(kept(scene.hear({ type: 'synced' }))).toMatchObject([{ logins: [{ account }] }]);
  });
});
