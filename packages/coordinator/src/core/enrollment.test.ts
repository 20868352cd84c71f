import type { InviteId, NodeId } from '@authmesh/shared/core/identifiers';
import { minute } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  createScene,
  enrollOf,
  fleet,
  founder,
  guest,
  invite,
  inviteRecord,
  notes,
  only,
  sealedOf,
} from './coordinator-scene.ts';
import type { CoordinatorEvent } from './event.ts';
import { type InviteRecord, nodeKey } from './record.ts';

const newcomer = 'd'.repeat(32) as NodeId;
const another = 'e'.repeat(32) as NodeId;
const open = 'f'.repeat(32) as InviteId;

/** A fleet of two with one open code that nobody has used. */
function inviting(more: Partial<InviteRecord> = {}) {
  return createScene({ invites: [{ record: inviteRecord({ id: open, ...more }), storeRevision: 1 }] });
}

function enroll(node: NodeId, link = 1, more: Parameters<typeof enrollOf>[1] = {}): CoordinatorEvent {
  return { type: 'enroll-proved', link, enroll: enrollOf(node, { invite: open, ...more }) };
}

describe('enrolling', () => {
  it('makes a member of a peer once its record is durable, and not before', () => {
    const scene = inviting();
    const effects = scene.tell(enroll(newcomer));
    expect(effects.map(effect => effect.type)).toEqual(['compare-and-set']);
    expect(scene.state().nodes.has(newcomer)).toBe(false);
    const durable = scene.persist(nodeKey(newcomer));
    expect(notes(durable)).toEqual(['node-joined']);
    expect(only(durable, 'audit')).toMatchObject([{ entry: { action: 'join', node: newcomer } }]);
    expect(only(durable, 'admit')).toEqual([{ type: 'admit', link: 1, fleet, name: 'pc-b', sealed: sealedOf('5') }]);
    expect(scene.state().nodes.get(newcomer)?.record).toMatchObject({ invitedBy: founder, invite: open });
  });

  it('lets the first node found the fleet', () => {
    const founding = inviteRecord({ id: open, createdBy: null, expiresAt: null, sealed: null, signature: null });
    const scene = createScene({ nodes: [], invites: [{ record: founding, storeRevision: 1 }] });
    scene.pass(1_000 * minute);
    expect(only(scene.through(enroll(newcomer)), 'admit')).toMatchObject([{ fleet: newcomer, sealed: null }]);
    expect(scene.state().founder).toBe(newcomer);
    expect(only(scene.tell(enroll(another, 2)), 'refuse')[0]?.message).toContain('founding code was used already');
  });

  const refusals: readonly (readonly [
    what: string,
    told: CoordinatorEvent,
    code: Partial<InviteRecord>,
    says: string,
  ])[] = [
    ['an unknown code', enroll(newcomer, 1, { invite }), {}, 'does not know this join code'],
    ['a wrong code', enroll(newcomer, 1, { inviteKey: 'another' }), {}, 'does not know this join code'],
    ['an expired code', enroll(newcomer), { expiresAt: 1 }, 'has expired'],
    ['a used code', enroll(newcomer), { uses: 0 }, 'was used'],
    ['a member’s key by another code', enroll(guest), { uses: 9 }, 'a member already'],
  ];
  it.each(refusals)('refuses %s, and says what to do', (_, told, code, says) => {
    const effects = inviting(code).tell(told);
    expect(effects.map(effect => effect.type)).toEqual(['note', 'refuse']);
    expect(only(effects, 'refuse')).toMatchObject([{ reason: 'refused', message: expect.stringContaining(says) }]);
  });

  it('refuses a protocol that it does not speak', () => {
    expect(only(inviting().tell(enroll(newcomer, 1, { protocol: 0 })), 'refuse')).toMatchObject([
      { reason: 'protocolVersion', message: expect.stringContaining('upgrade the agent') },
    ]);
    expect(only(inviting().tell(enroll(newcomer, 1, { protocol: 99 })), 'refuse')).toMatchObject([
      { reason: 'protocolVersion', message: expect.stringContaining('upgrade the coordinator') },
    ]);
  });

  it('sends a peer to another coordinator, or away for a while, when it stops', () => {
    const scene = inviting();
    scene.tell({ type: 'drain-requested' });
    expect(only(scene.tell(enroll(newcomer)), 'refuse')).toMatchObject([{ reason: 'draining' }]);
  });

  it('counts uses that are on their way', () => {
    const scene = inviting({ uses: 2 });
    scene.tell(enroll(newcomer, 1));
    scene.tell(enroll(another, 2));
    const third = scene.tell(enroll('9'.repeat(32) as NodeId, 3));
    expect(only(third, 'refuse')[0]?.message).toContain('was used 2 times already');
    expect(only(scene.persist(nodeKey(newcomer)), 'admit')).toMatchObject([{ link: 1 }]);
    expect(only(scene.persist(nodeKey(another)), 'admit')).toMatchObject([{ link: 2 }]);
  });

  it('is the same use of the code when the answer to the first try was lost', () => {
    const scene = inviting();
    scene.through(enroll(newcomer, 1));
    const again = scene.tell(enroll(newcomer, 2));
    expect(again).toEqual([{ type: 'admit', link: 2, fleet, name: 'pc-b', sealed: sealedOf('5') }]);
    // Nobody else, and no other key of that name.
    expect(only(scene.tell(enroll(newcomer, 3, { publicKey: 'another' })), 'refuse')).toHaveLength(1);
  });

  it('is the same use of the code when it is tried again while the store is slow', () => {
    const scene = inviting();
    scene.tell(enroll(newcomer, 1));
    scene.tell({ type: 'persist-failed', key: nodeKey(newcomer), reason: 'the disk is full' });
    scene.tell({ type: 'link-closed', link: 1 });
    expect(scene.tell(enroll(newcomer, 2))).toEqual([]);
    expect(only(scene.tell({ type: 'timer-fired', timer: 'retry-persist' }), 'compare-and-set')).toHaveLength(1);
    expect(only(scene.persist(nodeKey(newcomer)), 'admit')).toMatchObject([{ link: 2 }]);
  });

  it('gives a name that nobody has, also among those on their way', () => {
    const scene = inviting({ uses: 9 });
    const names = [newcomer, another, '9'.repeat(32) as NodeId].map((node, index) => {
      const [write] = only(scene.tell(enroll(node, index, { name: 't440' })), 'compare-and-set');
      return write?.value;
    });
    expect(names).toMatchObject([{ name: 't440-2' }, { name: 't440-3' }, { name: 't440-4' }]);
    const long = scene.tell(enroll('8'.repeat(32) as NodeId, 8, { name: 'x'.repeat(64) }));
    const taken = scene.tell(enroll('7'.repeat(32) as NodeId, 9, { name: 'x'.repeat(64) }));
    expect([long, taken].map(effects => only(effects, 'compare-and-set')[0]?.value)).toMatchObject([
      { name: 'x'.repeat(64) },
      { name: `${'x'.repeat(58)}-2` },
    ]);
  });

  it('tells the peer to try again when another coordinator wrote its record first', () => {
    const scene = inviting();
    scene.tell(enroll(newcomer, 1));
    const effects = scene.tell({ type: 'persist-conflicted', key: nodeKey(newcomer), value: {}, storeRevision: 7 });
    expect(notes(effects)).toEqual(['persist-conflicted']);
    expect(only(effects, 'refuse')).toMatchObject([{ link: 1, message: expect.stringContaining('try again') }]);
    expect(scene.state().pendingRecords.size).toBe(0);
  });
});
