import { describe, expect, it } from 'vitest';
import { acknowledge, createScene, founder, guest, nodeRecord, observed, print, publish } from './coordinator-scene.ts';
import { createAccountEntry, createNodeEntry } from './state.ts';

describe('the state', () => {
  it('keeps its nodes and its accounts in one shape each, whatever happened to them', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.connect(2, guest);
    scene.connect(3, guest);
    const pair = observed('a', { refresh: print('b') });
    scene.through(publish(1, pair));
    scene.tell(publish(1, observed('c', { chain: [{ access: print('a') }] }), 2));
    scene.tell(acknowledge(2, observed('d')));
    scene.tell({ type: 'link-closed', link: 1 });
    const { nodes, accounts } = scene.state();
    const nodeFields = Object.keys(createNodeEntry(nodeRecord(guest, 't440'), 1, null));
    for (const node of nodes.values()) expect(Object.keys(node)).toEqual(nodeFields);
    const [account] = accounts.values();
    expect(account?.pending).toBeDefined();
    expect(Object.keys(account ?? {})).toEqual(account && Object.keys(createAccountEntry(account.record, 1)));
  });
});
