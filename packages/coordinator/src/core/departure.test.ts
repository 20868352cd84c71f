import { second } from '@authmesh/shared/core/time';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  account,
  createScene,
  founder,
  guest,
  inviteRecord,
  nodeRecord,
  observed,
  only,
  print,
  publish,
  type Scene,
  start,
} from './coordinator-scene.ts';
import type { CoordinatorEffect } from './effect.ts';
import { bearer, createVaultedFleet, home, leasesIn, other, renewalOf, speakingIn } from './lease/lease-scene.ts';
import { isVaulted } from './lease/vaulting.ts';
import { nodeKey } from './record.ts';

let scene: Scene;
const { hear, pass, lease, view, tellAll } = speakingIn(() => scene);

const leave = (link: number, ...keeps: readonly string[]) =>
  hear(link, { type: 'ask', request: 9, question: { type: 'leave', keeps: keeps.map(print) } });
const answers = (effects: readonly CoordinatorEffect[]) =>
  only(effects, 'send').flatMap(({ message }) => (message.type === 'answer' ? [message.body] : []));

beforeEach(() => {
  scene = createVaultedFleet();
});

describe('a node that leaves', () => {
  it('is told when that is durable, is off the roster, and its links are closed', () => {
    const asked = scene.ask(other, { type: 'leave', keeps: [] });
    expect(answers(asked)).toEqual([]);
    const settled = scene.persist(nodeKey(guest));
    expect(answers(settled)).toEqual([{ type: 'left', remaining: 1 }]);
    expect(only(settled, 'close-link')).toEqual([{ type: 'close-link', link: other, reason: 'unknownNode' }]);
    expect(only(settled, 'audit')).toMatchObject([{ entry: { action: 'leave', node: guest } }]);
    scene.tell({ type: 'link-closed', link: other });
    const [overview] = answers(scene.ask(home, { type: 'nodes' }));
    expect(overview).toMatchObject({ nodes: [{ id: founder }] });
    expect(only(scene.connect(7, guest), 'refuse')).toMatchObject([{ reason: 'unknownNode' }]);
  });

  it('leaves the refreshing to the others', () => {
    leave(home);
    scene.tell({ type: 'link-closed', link: home });
    expect(lease().link).toBe(other);
  });

  it('takes along what stays in its stores: nobody refreshes with it, and that is said', () => {
    expect(answers(leave(home, 'a'))).toEqual([{ type: 'left', remaining: 1 }]);
    expect(leasesIn(pass(3_000 * second))).toEqual([]);
    expect(view()).toMatchObject({
      state: 'needs-login',
      node: 'pc-a',
      why: expect.stringMatching(/stayed with pc-a/),
    });
    const refused = answers(hear(other, { type: 'ask', request: 9, question: { type: 'refresh', account } }));
    expect(refused).toMatchObject([{ type: 'problem', message: expect.stringMatching(/pc-a, which left/) }]);
    // A new sign-in is a login like any other.
    scene.through(
      publish(
        other,
        observed('3', { chain: [{ access: print('1') }], refresh: print('c'), expiresAt: start + 9_000_000 }),
        2,
      ),
    );
    expect(view()).toBeUndefined();
  });

  it('takes it along over a restart of the coordinator, and stays the founder', () => {
    const left = { at: start, keeps: [print('a')] };
    const nodes = [
      { record: nodeRecord(founder, 'pc-a', { invitedBy: null, left }), storeRevision: 1 },
      { record: nodeRecord(guest, 't440'), storeRevision: 1 },
    ];
    scene = createScene({ nodes });
    const welcome = scene.connect(other, guest);
    expect(only(welcome, 'welcome')).toMatchObject([{ fleet: founder }]);
    tellAll(other);
    scene.through(publish(other, observed('1', { refresh: print('a'), expiresAt: start + 3_600_000 })));
    scene.through({
      type: 'frame-received',
      link: other,
      message: { type: 'acknowledge', observations: [bearer('1')], gone: [] },
    });
    expect(leasesIn(pass(3_000 * second))).toEqual([]);
  });

  it('waits for the lease of what it takes along, and for its own', () => {
    const { link, lease: given } = lease();
    expect(answers(leave(other, 'a'))).toMatchObject([{ type: 'problem', code: 'ERR_BUSY' }]);
    expect(answers(leave(link))).toMatchObject([{ type: 'problem', code: 'ERR_BUSY' }]);
    hear(link, renewalOf(given));
    expect(answers(leave(link))).toEqual([{ type: 'left', remaining: 1 }]);
  });

  it('is nobody’s vault and nobody’s host any more', () => {
    const known = [{ account, position: { epoch: 1, revision: 1 }, generation: 1 }];
    for (const link of [home, other]) hear(link, { type: 'acknowledge', observations: [], gone: [], known });
    leave(other);
    expect(scene.state().leases.vaulted.get(account)?.nodes).toEqual(new Set([founder]));
  });

  it('leaves what it takes along to the OpenClaw of another host that has it too', () => {
    const known = [{ account, position: { epoch: 1, revision: 1 }, generation: 1 }];
    for (const link of [home, other]) hear(link, { type: 'acknowledge', observations: [], gone: [], known });
    expect(isVaulted(scene.state(), account)).toBe(true);
    leave(home, 'a');
    expect(isVaulted(scene.state(), account)).toBe(false);
  });

  it('leaves no join code behind', () => {
    const record = inviteRecord({ createdBy: guest });
    scene = createScene({ invites: [{ record, storeRevision: 1 }] });
    scene.connect(other, guest);
    leave(other);
    expect(scene.state().invites.get(record.id)?.record).toMatchObject({ sealed: null, expiresAt: start });
  });

  it('that another writer was before asks again, and has taken nothing along', () => {
    scene.ask(home, { type: 'leave', keeps: [print('a')] });
    const key = nodeKey(founder);
    const effects = scene.tell({ type: 'persist-conflicted', key, value: null, storeRevision: 50 });
    expect(answers(effects)).toMatchObject([{ type: 'problem', code: 'ERR_BUSY' }]);
    expect(scene.state().leases.departed.size).toBe(0);
    expect(answers(leave(home, 'a'))).toMatchObject([{ type: 'left' }]);
  });
});
