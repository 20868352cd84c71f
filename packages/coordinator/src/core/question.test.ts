import type { AccountId, InviteId, NodeId } from '@authmesh/shared/core/identifiers';
import { hour, minute } from '@authmesh/shared/core/time';
import type { Question } from '@authmesh/shared/protocol/question';
import { describe, expect, it } from 'vitest';
import {
  account,
  answers,
  chain,
  createScene,
  founder,
  guest,
  notes,
  observed,
  only,
  print,
  publish,
  type Scene,
  sealedOf,
  start,
  verdicts,
} from './coordinator-scene.ts';
import { historyRecordsMax } from './history.ts';
import { accountKey, inviteKey } from './record.ts';

const unknown = 'oauth:xai/nobody' as AccountId;
const link = 1;

/** The founder's login was renewed once; the guest is connected. */
function running(): Scene {
  const scene = createScene();
  scene.connect(link, founder);
  scene.connect(2, guest);
  scene.through(publish(link, observed('1', { refresh: print('a'), expiresAt: start + hour })));
  const renewed = observed('2', { refresh: print('b'), chain: chain('1'), expiresAt: start + 2 * hour });
  scene.through(publish(link, renewed, 2));
  return scene;
}

/** Asks, and has whatever that writes become durable. */
function ask(scene: Scene, question: Question) {
  return scene.through({ type: 'frame-received', link, message: { type: 'ask', request: 9, question } });
}

const rollback = {
  type: 'rollback',
  account,
  number: 1,
  generation: 3,
  spendable: false,
  sealed: sealedOf('7'),
} as const;

describe('a question', () => {
  const refusals: readonly (readonly [what: string, question: Question, code: string])[] = [
    ['about the history of no account', { type: 'history', account: unknown }, 'ERR_UNKNOWN_ACCOUNT'],
    ['for a candidate of no account', { type: 'candidate', account: unknown, number: 1 }, 'ERR_UNKNOWN_ACCOUNT'],
    ['for a candidate that never was', { type: 'candidate', account, number: 99 }, 'ERR_NO_SUCH_ENTRY'],
    ['to link copies of no account', { type: 'link', account: unknown, nodes: [guest] }, 'ERR_UNKNOWN_ACCOUNT'],
    ['to link copies of no node', { type: 'link', account, nodes: ['9'.repeat(32) as NodeId] }, 'ERR_UNKNOWN_NODE'],
    ['to go back with no account', { ...rollback, account: unknown }, 'ERR_UNKNOWN_ACCOUNT'],
    ['to go back to what never was', { ...rollback, number: 99 }, 'ERR_NOT_RESTORED'],
    ['to go back in a generation that is passed', { ...rollback, generation: 2 }, 'ERR_NOT_RESTORED'],
  ];
  it.each(refusals)('%s is refused, and changes nothing', (_, question, code) => {
    const scene = running();
    const effects = ask(scene, question);
    expect(answers(effects)).toMatchObject([{ type: 'problem', code }]);
    expect(only(effects, 'compare-and-set')).toEqual([]);
  });

  it('for the fleet is answered with every account and node, for the roster with nodes alone', () => {
    const scene = running();
    expect(answers(ask(scene, { type: 'overview' }))).toMatchObject([
      {
        nodes: [
          { id: founder, name: 'pc-a', online: true },
          { id: guest, online: true },
        ],
        accounts: [{ account, access: print('2'), home: founder, copies: [{ node: founder, verdict: 'in-step' }] }],
        last: true,
      },
    ]);
    expect(answers(ask(scene, { type: 'nodes' }))).toMatchObject([{ nodes: [{}, {}], accounts: [], last: true }]);
  });

  it('why is answered with the whole history, and those of the roster that it names', () => {
    const scene = running();
    scene.pass(minute);
    scene.through(publish(2, observed('7', { expiresAt: start + 9 * hour }), 3));
    expect(answers(ask(scene, { type: 'history', account }))).toMatchObject([
      {
        current: { access: print('2'), position: { epoch: 1, revision: 2 }, acceptedAt: start },
        history: [
          { number: 1, revision: 1, fingerprint: print('1'), verdict: 'accepted' },
          { number: 2, revision: 2, fingerprint: print('2'), verdict: 'accepted' },
          { number: 3, fingerprint: print('7'), origin: guest, at: start + minute, verdict: 'parallel' },
        ],
        nodes: [{ id: founder }, { id: guest }],
      },
    ]);
    const [alone] = answers(ask(running(), { type: 'history', account }));
    expect(alone).toMatchObject({ nodes: [{ id: founder }] });
  });

  it('for a candidate is answered with its record, and whether its refresh token is used up', () => {
    const scene = running();
    expect(answers(ask(scene, { type: 'candidate', account, number: 1 }))).toEqual([
      { type: 'candidate', number: 1, access: print('1'), refreshSpent: true, sealed: sealedOf('1'), generation: 2 },
    ]);
    expect(answers(ask(scene, { type: 'candidate', account, number: 2 }))).toMatchObject([{ refreshSpent: false }]);
    for (let number = 0, before = print('2'); number < historyRecordsMax / 2; number++) {
      const access = `${number}`.padStart(32, '7') as typeof before;
      scene.through(publish(link, observed('7', { access, chain: [{ access: before }] }), 3 + number));
      before = access;
    }
    expect(answers(ask(scene, { type: 'candidate', account, number: 1 }))).toMatchObject([
      { type: 'problem', message: expect.stringContaining('no longer kept') },
    ]);
  });
});

describe('an invite', () => {
  const id = 'd'.repeat(32) as InviteId;
  const made = { publicKey: 'key', sealed: sealedOf('5'), signature: 'signed' };
  const question: Question = { type: 'invite', invite: id, uses: 3, ttlMs: 15 * minute, ...made };

  it('works once it is durable', () => {
    const scene = running();
    const effects = scene.ask(link, question);
    expect(answers(effects)).toEqual([]);
    expect(only(effects, 'audit')).toMatchObject([{ entry: { action: 'invite', node: founder } }]);
    expect(scene.state().invites.has(id)).toBe(false);
    const durable = scene.persist(inviteKey(id));
    expect(notes(durable)).toEqual(['invite-created']);
    expect(answers(durable)).toEqual([{ type: 'invited', expiresAt: start + 15 * minute, uses: 3 }]);
    expect(scene.state().invites.get(id)).toMatchObject({ used: 0, record: { createdBy: founder } });
  });

  it('that another coordinator wrote first is asked for again', () => {
    const scene = running();
    scene.ask(link, question);
    const told = { type: 'persist-conflicted', key: inviteKey(id), value: undefined, storeRevision: 7 } as const;
    expect(answers(scene.tell(told))).toMatchObject([{ type: 'problem', code: 'ERR_NOT_INVITED' }]);
  });
});

describe('going back', () => {
  it('makes the chosen one current although it is an ancestor, in words of its own', () => {
    const scene = running();
    const effects = ask(scene, rollback);
    expect(answers(effects)).toEqual([{ type: 'published', position: { epoch: 1, revision: 3 } }]);
    expect(notes(effects)).toEqual(['account-restored', 'credential-accepted']);
    expect(only(effects, 'audit')).toMatchObject([
      { entry: { action: 'restore', node: founder } },
      { entry: { action: 'accept', node: founder, fingerprint: print('1') } },
    ]);
    expect(only(effects, 'announce')).toMatchObject([
      { announcement: { access: print('1'), refresh: undefined, generation: 3, restored: true, home: founder } },
    ]);
    // What it replaced is an ancestor now, and what came back is none.
    expect(verdicts(scene.through(publish(2, observed('2'), 4)))).toEqual(['stale']);
    expect(verdicts(scene.through(publish(2, observed('1'), 4)))).toEqual(['in-step']);
  });

  it('keeps the refresh token where it still can be used', () => {
    const scene = running();
    scene.through(publish(2, observed('7', { refresh: print('c'), expiresAt: start + 9 * hour }), 3));
    const effects = ask(scene, { ...rollback, number: 3, generation: 4, spendable: true });
    expect(only(effects, 'announce')).toMatchObject([{ announcement: { refresh: print('c'), home: guest } }]);
  });

  it('goes above every generation that a node has applied', () => {
    const scene = running();
    const known = [{ account, position: { epoch: 1, revision: 2 }, generation: 8 }];
    scene.tell({
      type: 'frame-received',
      link: 2,
      message: { type: 'inventory', observations: [], known, last: true },
    });
    expect(answers(ask(scene, { type: 'candidate', account, number: 1 }))).toMatchObject([{ generation: 8 }]);
    expect(answers(ask(scene, { ...rollback, generation: 8 }))).toMatchObject([{ code: 'ERR_NOT_RESTORED' }]);
    expect(answers(ask(scene, { ...rollback, generation: 9 }))).toMatchObject([{ type: 'published' }]);
  });

  it('waits for a change that is on its way, and is refused when that moved the account on', () => {
    const scene = running();
    const third = observed('3', { refresh: print('c'), chain: chain('2'), expiresAt: start + 3 * hour });
    scene.tell(publish(2, third, 3));
    expect(scene.ask(link, rollback)).toEqual([]);
    expect(answers(scene.persist(accountKey(account)))).toMatchObject([{ type: 'problem', code: 'ERR_NOT_RESTORED' }]);
  });
});
