import type { AccountId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { copyKey } from '@authmesh/shared/core/identifiers';
import { chainLinksMax } from '@authmesh/shared/protocol/limits';
import { describe, expect, it } from 'vitest';
import {
  account,
  createDelivery,
  createScene,
  facts,
  holds,
  judgement,
  notes,
  only,
  print,
  profile,
  type Scene,
  seen,
  sent,
  start,
  store,
} from './agent-scene.ts';
import type { AgentEvent } from './event.ts';
import { copiesMax } from './state.ts';

const key = copyKey(store, profile);
const chainOf = (scene: Scene) =>
  scene
    .state()
    .copies.get(key)
    ?.chain.map(link => link.access);
const quarantined = (reason: string): AgentEvent => ({
  type: 'store-observed',
  store,
  seen: { state: 'quarantined', reason },
});
const absent: AgentEvent = { type: 'store-observed', store, seen: { state: 'absent' } };

describe('what stands in a store', () => {
  it('is remembered with what stood there before, newest first', () => {
    const scene = createScene();
    scene.tell(holds(seen('1', { refresh: print('a') })));
    scene.tell(holds(seen('2', { refresh: print('b'), expiresAt: start })));
    const effects = scene.tell(holds(seen('3')));
    const chain = [
      { access: print('2'), refresh: print('b'), expiresAt: start },
      { access: print('1'), refresh: print('a'), expiresAt: null },
    ];
    const last = { access: print('3'), refresh: undefined, expiresAt: null };
    const copy = { store, profile, account, last, chain };
    expect(only(effects, 'remember')).toEqual([{ type: 'remember', memory: { kind: 'copy', key, copy } }]);
  });

  it('keeps each login once in its chain, and a bounded number of them', () => {
    const scene = createScene();
    for (const access of ['1', '2', '1', '2', '3']) scene.tell(holds(seen(access)));
    expect(chainOf(scene)).toEqual([print('2'), print('1')]);
    for (let number = 0; number < 2 * chainLinksMax; number++)
      scene.tell(holds({ ...seen('0'), access: `${number}`.padStart(32, 'f') as never }));
    expect(chainOf(scene)).toHaveLength(chainLinksMax);
  });

  it('is no news when only what is beside the login changed', () => {
    const scene = createScene();
    scene.connect();
    expect(sent(scene.tell(holds(seen('1'))))).toHaveLength(1);
    expect(scene.tell(holds(seen('1'))).filter(effect => effect.type !== 'set-timer')).toEqual([]);
  });

  it('with another account under the same profile id shares nothing with what stood there (invariant I8)', () => {
    const scene = createScene();
    scene.tell(holds(seen('1')));
    scene.tell(holds(seen('2')));
    scene.tell(holds(seen('3', { account: 'oauth:xai/acct_2' as AccountId })));
    expect(chainOf(scene)).toEqual([]);
    expect(scene.state().copies.get(key)?.account).toBe('oauth:xai/acct_2');
  });

  it('and cannot say whose it is any more still belongs to the account, as sure as before', () => {
    const unnamed = { account: 'oauth:xai/xai:default' as AccountId, identity: 'profile', access: undefined } as const;
    const scene = createScene();
    scene.connect();
    scene.tell(holds(seen('1')));
    const [message] = sent(scene.tell(holds(seen('1', { ...unnamed, health: 'empty' }))));
    const observation = { account, identity: 'account', health: 'empty', chain: [] };
    expect(message).toMatchObject({ type: 'acknowledge', observations: [observation] });
    const copy = { store, profile, account, last: { access: print('1') }, chain: [] };
    const restarted = createScene({}, [{ kind: 'copy', key, copy }]);
    restarted.connect();
    const [first] = sent(restarted.tell(holds(seen('1', { ...unnamed, health: 'empty' }))));
    expect(first).toMatchObject({ observations: [observation] });
  });

  it('and says that it is something else is not taken for the account that stood there', () => {
    const scene = createScene();
    scene.tell(holds(seen('1')));
    const token = { account: 'token:xai/xai:default' as AccountId, kind: 'token', access: undefined } as const;
    scene.tell(holds(seen('1', { ...token, identity: 'profile', health: 'empty' })));
    expect(scene.state().copies.get(key)?.account).toBe(token.account);
  });

  it('keeps its chain while it is unusable', () => {
    const scene = createScene();
    scene.tell(holds(seen('1')));
    scene.tell(holds(seen('0', { access: undefined, health: 'fence-failed' })));
    scene.tell(holds(seen('2')));
    expect(chainOf(scene)).toEqual([print('1')]);
  });

  it('leaves the fleet’s care when its owner deletes it, and is known when it comes back', () => {
    const scene = createDelivery('1', facts('1', 1));
    scene.tell(holds(seen('2')));
    const effects = scene.tell(holds());
    expect(notes(effects)).toEqual(['profile-left']);
    expect(sent(effects)).toEqual([{ type: 'acknowledge', observations: [], gone: [{ store, profile }] }]);
    expect(sent(scene.tell(holds()))).toEqual([]);
    // The old login is told from a new one by what is remembered: it goes as metadata, not as a publish.
    expect(sent(scene.tell(holds(seen('1'))))).toMatchObject([{ type: 'acknowledge', observations: [{}] }]);
    expect(chainOf(scene)).toEqual([print('2'), print('1')]);
  });

  it('is still known when it was deleted under a delivery', () => {
    const scene = createDelivery('1', facts('2', 1));
    expect(only(scene.hear(judgement('stale', '1')), 'write-credential')).toHaveLength(1);
    scene.tell(holds());
    scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'changed' } });
    expect(scene.state().copies.get(key)).toMatchObject({ last: { access: print('1') }, writing: undefined });
  });

  it('is reported and left alone when its store is set aside, and looked at again when that is over', () => {
    const scene = createDelivery('1', facts('2', 1));
    const aside = scene.tell(quarantined('it is no JSON'));
    expect(notes(aside)).toContain('store-quarantined');
    expect(sent(aside)).toMatchObject([{ observations: [{ health: 'quarantined', trouble: 'it is no JSON' }] }]);
    // Invariant I7: not even the coordinator's word makes it write there.
    expect(only(scene.hear(judgement('stale', '1')), 'write-credential')).toEqual([]);
    expect(scene.tell(quarantined('it is no JSON'))).toEqual([]);
    expect(notes(scene.tell(quarantined('it is too large')))).toContain('store-quarantined');
    const back = scene.tell(holds(seen('1')));
    expect(notes(back)).toContain('store-recovered');
    expect(sent(back)).toMatchObject([{ observation: { health: 'sound' } }]);
    expect(only(scene.hear(judgement('stale', '1')), 'write-credential')).toHaveLength(1);
  });

  it('is noted as it comes, goes and comes back', () => {
    const scene = createScene();
    const names = (event: AgentEvent) => notes(scene.tell(event)).filter(name => name.startsWith('store-'));
    expect(names(holds(seen('1')))).toEqual(['store-appeared']);
    expect(names(absent)).toEqual(['store-vanished']);
    expect(names(absent)).toEqual([]);
    expect(names(quarantined('a folder'))).toEqual(['store-quarantined']);
    expect(names(absent)).toEqual(['store-vanished']);
  });

  it('has a bound', () => {
    const scene = createScene();
    const many = Array.from({ length: copiesMax + 1 }, (_, number) =>
      seen('1', { profile: `xai:${number}` as ProfileId }),
    );
    expect(notes(scene.tell(holds(...many))).filter(name => name === 'queue-overflowed')).toHaveLength(1);
    expect(scene.state().copies.size).toBe(copiesMax);
    const elsewhere = { type: 'store-observed', store: '/else' as StoreId, seen: { state: 'readable' } } as const;
    scene.tell({ ...elsewhere, seen: { state: 'readable', profiles: [seen('1')] } });
    expect(scene.state().copies.size).toBe(copiesMax);
  });
});
