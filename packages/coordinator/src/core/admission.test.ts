import type { FleetId, NodeId } from '@authmesh/shared/core/identifiers';
import { describe, expect, it } from 'vitest';
import { attestOf, createScene, fleet, founder, guest, notes, only, store } from './coordinator-scene.ts';
import { nodeKey } from './record.ts';
import { commandLinksMax } from './state.ts';

const stranger = 'f'.repeat(32) as NodeId;

describe('a peer that proved a key', () => {
  it('is welcomed when the key is a member’s', () => {
    const scene = createScene();
    const effects = scene.connect(1, founder);
    const policy = { allow: ['*'], deny: [] };
    expect(only(effects, 'welcome')).toEqual([{ type: 'welcome', link: 1, fleet, epoch: 1, policy }]);
    expect(notes(effects)).toEqual(['node-online']);
    expect(scene.state().nodes.get(founder)?.link).toBe(1);
  });

  const refused = [
    ['nobody’s', stranger, {}, 'unknownNode'],
    ['not the one of that member', founder, { publicKey: 'another' }, 'unknownNode'],
    ['of another fleet', founder, { fleet: stranger as string as FleetId }, 'unknownNode'],
    ['spoken too old', founder, { protocol: 0 }, 'protocolVersion'],
    ['spoken too new', founder, { protocol: 2 }, 'protocolVersion'],
  ] as const;
  it.each(refused)('is refused when it is %s', (_, node, more, reason) => {
    const scene = createScene();
    const effects = scene.connect(1, node, more);
    expect(effects.map(effect => effect.type)).toEqual(['note', 'refuse']);
    expect(only(effects, 'refuse')).toMatchObject([{ link: 1, reason }]);
    expect(scene.state().sessions.size).toBe(0);
  });

  it('is sent away while the coordinator stops, and may come back', () => {
    const scene = createScene();
    scene.tell({ type: 'drain-requested' });
    expect(only(scene.connect(1, founder), 'refuse')).toMatchObject([{ reason: 'draining' }]);
  });

  it('shows the version that it runs', () => {
    const scene = createScene();
    scene.connect(1, founder, { version: '2.0.0' });
    expect(scene.state().nodes.get(founder)?.record.version).toBe('2.0.0');
  });

  it('starts with nothing reported: what it tells now replaces what it told before', () => {
    const scene = createScene();
    scene.connect(1, founder);
    const gone = { store, profile: 'xai:a' as never };
    const copy = {
      ...gone,
      account: 'oauth:xai/1' as never,
      identity: 'account',
      kind: 'oauth',
      health: 'empty',
    } as const;
    const observations = [{ ...copy, expiresAt: null, chain: [] }];
    scene.tell({ type: 'frame-received', link: 1, message: { type: 'acknowledge', observations, gone: [] } });
    expect(scene.state().nodes.get(founder)?.copies.size).toBe(1);
    scene.tell({ type: 'link-closed', link: 1 });
    scene.connect(2, founder);
    expect(scene.state().nodes.get(founder)?.copies.size).toBe(0);
  });
});

describe('a second daemon with the same key', () => {
  it('is a duplicate while the first one lives, and is told so', () => {
    const scene = createScene();
    scene.connect(1, founder);
    expect(scene.connect(2, founder)).toEqual([{ type: 'probe', link: 1 }]);
    const effects = scene.tell({ type: 'link-probed', link: 1, alive: true });
    expect(notes(effects)).toEqual(['node-duplicate']);
    expect(only(effects, 'refuse')).toMatchObject([{ link: 2, reason: 'duplicateNode' }]);
    expect(only(effects, 'refuse')[0]?.message).toContain('pc-a');
    expect(scene.state().nodes.get(founder)).toMatchObject({ link: 1, challenger: undefined });
    scene.tell({ type: 'link-closed', link: 2 });
    expect(scene.state().challengers.size).toBe(0);
  });

  it('takes over when the first one is dead', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.connect(2, founder);
    const effects = scene.tell({ type: 'link-probed', link: 1, alive: false });
    expect(only(effects, 'close-link')).toEqual([{ type: 'close-link', link: 1, reason: 'replaced' }]);
    expect(only(effects, 'welcome')).toMatchObject([{ link: 2 }]);
    expect(scene.tell({ type: 'link-closed', link: 1 })).toEqual([]);
    expect(scene.state().nodes.get(founder)?.link).toBe(2);
  });

  it('takes over when the first one hangs up under the probe', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.connect(2, founder);
    expect(only(scene.tell({ type: 'link-closed', link: 1 }), 'welcome')).toMatchObject([{ link: 2 }]);
    expect(scene.tell({ type: 'link-probed', link: 1, alive: false })).toEqual([]);
  });

  it('is forgotten when it hangs up itself', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.connect(2, founder);
    scene.tell({ type: 'link-closed', link: 2 });
    expect(scene.state().challengers.size).toBe(0);
    expect(scene.tell({ type: 'link-probed', link: 1, alive: true })).toEqual([]);
    expect(only(scene.connect(3, founder), 'probe')).toHaveLength(1);
  });

  it('leaves no room for a third', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.connect(2, founder);
    expect(only(scene.connect(3, founder), 'refuse')).toMatchObject([{ link: 3, reason: 'duplicateNode' }]);
  });

  it('is sent away, too, when the coordinator stops under the probe', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.connect(2, founder);
    scene.tell({ type: 'drain-requested' });
    const effects = scene.tell({ type: 'link-closed', link: 1 });
    expect(only(effects, 'welcome')).toEqual([]);
    expect(only(effects, 'refuse')).toMatchObject([{ link: 2, reason: 'draining' }]);
    expect(only(scene.persist(nodeKey(founder)), 'stop')).toHaveLength(1);
  });
});

describe('command lines', () => {
  it('come and go beside the daemon, a bounded number of them', () => {
    const scene = createScene();
    scene.connect(1, founder);
    for (let link = 2; link < 2 + commandLinksMax; link++) {
      expect(only(scene.connect(link, founder, { role: 'command' }), 'welcome')).toHaveLength(1);
    }
    expect(only(scene.connect(99, founder, { role: 'command' }), 'refuse')).toMatchObject([{ reason: 'tooManyPeers' }]);
    expect(only(scene.connect(98, guest, { role: 'command' }), 'welcome')).toHaveLength(1);
    expect(scene.tell({ type: 'link-closed', link: 2 })).toEqual([]);
    expect(only(scene.connect(99, founder, { role: 'command' }), 'welcome')).toHaveLength(1);
    expect(scene.state().nodes.get(founder)?.link).toBe(1);
  });
});

describe('presence', () => {
  it('is kept when a node goes, for it is asked for after a restart', () => {
    const scene = createScene();
    scene.connect(1, founder);
    scene.pass(5_000);
    const effects = scene.tell({ type: 'link-closed', link: 1 });
    expect(notes(effects)).toEqual(['node-offline']);
    expect(only(effects, 'compare-and-set')).toMatchObject([
      { key: nodeKey(founder), expected: 1, value: { lastSeen: attestOf(founder).at + 5_000 } },
    ]);
    // Once is enough while the first is on its way.
    scene.connect(2, founder);
    expect(only(scene.tell({ type: 'link-closed', link: 2 }), 'compare-and-set')).toEqual([]);
  });
});
