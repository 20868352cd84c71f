import { copyKey, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import { account, createScene, facts, holds, judgement, print, profile, seen, store } from './agent-scene.ts';
import { createCopy } from './state.ts';

const other = 'xai:other' as ProfileId;
const elsewhere = '/home/claw/elsewhere.json' as StoreId;

describe('the state', () => {
  it('keeps its copies and its link in one shape each, whatever happened to them', () => {
    const kept = { store: elsewhere, profile, account, chain: [{ access: print('9') }] };
    const scene = createScene({}, [{ kind: 'copy', key: copyKey(elsewhere, profile), copy: kept }]);
    const link = Object.keys(scene.state().link);
    scene.tell(holds(seen('1'), seen('3', { profile: other, health: 'fence-pending' })));
    scene.connect();
    scene.hear(judgement('stale', '1'));
    scene.announce(facts('2', 1));
    scene.tell({ type: 'write-settled', store, profile, outcome: { result: 'failed', reason: 'the disk is full' } });
    scene.tell({ type: 'asked', request: 1, control: { op: 'adopt', profiles: [], store: elsewhere } });
    scene.tell(holds(seen('1', { access: undefined, health: 'empty' })));
    scene.tell({ type: 'link-closed', reason: 'lost', message: 'reset' });
    const fields = Object.keys(createCopy(store, profile, account));
    for (const copy of scene.state().copies.values()) expect(Object.keys(copy)).toEqual(fields);
    expect(scene.state().copies.size).toBe(3);
    expect(Object.keys(scene.state().link)).toEqual(link);
  });
});
