import type { AccountId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { copyKey } from '@authmesh/shared/core/identifiers';
import { second } from '@authmesh/shared/core/time';
import { describe, expect, it } from 'vitest';
import {
  account,
  createScene,
  facts,
  holds,
  notes,
  only,
  print,
  profile,
  type Scene,
  seen,
  sent,
  store,
} from './agent-scene.ts';
import type { WriteOutcome } from './event.ts';

const key = copyKey(store, profile);
const work = facts('2', 1, { account: 'oauth:xai/acct_2' as AccountId, profile: 'xai:work' as ProfileId });

function adopt(scene: Scene, ...profiles: string[]) {
  return scene.tell({ type: 'asked', request: 7, control: { op: 'adopt', profiles, store } });
}

function settle(scene: Scene, outcome: WriteOutcome, of: ProfileId = profile) {
  return scene.tell({ type: 'write-settled', store, profile: of, outcome });
}

function replyOf(effects: ReturnType<Scene['tell']>) {
  return only(effects, 'reply').map(({ reply }) => reply);
}

/** An agent that knows two logins of the fleet and has neither. */
function lacking(config: Parameters<typeof createScene>[0] = {}): Scene {
  const scene = createScene(config);
  scene.tell(holds());
  scene.connect();
  scene.announce(facts('1', 1));
  scene.announce(work);
  return scene;
}

describe('adopting', () => {
  it('takes over all that the store lacks, and answers when all of it has ended', () => {
    const scene = lacking();
    const effects = adopt(scene);
    expect(only(effects, 'create-profile')).toMatchObject([
      { store, profile, account, access: print('1'), form: 'bearer' },
      { profile: 'xai:work', access: print('2') },
    ]);
    expect(replyOf(effects)).toEqual([]);
    const made = settle(scene, { result: 'written', seen: seen('1') });
    expect(replyOf(made)).toEqual([]);
    expect(sent(made)).toMatchObject([{ type: 'acknowledge', observations: [{ access: print('1') }] }]);
    expect(replyOf(settle(scene, { result: 'failed', reason: 'the disk is full' }, work.profile))).toEqual([
      { op: 'adopt', adopted: [profile], problems: [{ login: 'xai:work', reason: 'the disk is full' }] },
    ]);
    expect(scene.state().copies.has(copyKey(store, work.profile))).toBe(false);
  });

  it('of all leaves out what the configuration leaves out; of one it says so', () => {
    const scene = lacking({ profiles: { allow: ['*'], deny: ['xai:work'] } });
    expect(only(adopt(scene), 'create-profile')).toMatchObject([{ profile }]);
    expect(replyOf(settle(scene, { result: 'written', seen: seen('1') }))).toEqual([
      { op: 'adopt', adopted: [profile], problems: [] },
    ]);
    expect(replyOf(adopt(scene, 'xai:work'))).toMatchObject([{ problems: [{ login: 'xai:work' }] }]);
  });

  it('takes logins by profile id or by account, and says what it cannot find', () => {
    const scene = lacking();
    expect(only(adopt(scene, 'xai/acct_2'), 'create-profile')).toMatchObject([{ profile: 'xai:work' }]);
    const [reply] = replyOf(adopt(scene, 'xai:nobody'));
    expect(reply).toMatchObject({ adopted: [], problems: [{ login: 'xai:nobody' }] });
    const held = lacking();
    held.tell(holds(seen('1')));
    expect(replyOf(adopt(held, profile))).toEqual([
      { op: 'adopt', adopted: [], problems: [{ login: profile, reason: 'this store has it already' }] },
    ]);
  });

  it('does not take what the configuration leaves out, nor over another login, nor into a store that is set aside', () => {
    const denied = lacking({ profiles: { allow: ['*'], deny: ['*work'] } });
    expect(replyOf(adopt(denied, 'xai:work'))).toMatchObject([
      { problems: [{ reason: expect.stringContaining('sync.profiles') }] },
    ]);
    const taken = lacking();
    taken.tell(holds(seen('3', { account: 'oauth:xai/acct_3' as AccountId })));
    expect(replyOf(adopt(taken, profile))).toMatchObject([
      { problems: [{ reason: `another login stands under ${profile} in ${store}` }] },
    ]);
    const aside = lacking();
    aside.tell({ type: 'store-observed', store, seen: { state: 'quarantined', reason: 'it is no JSON' } });
    const effects = adopt(aside);
    expect(only(effects, 'create-profile')).toEqual([]);
    expect(replyOf(effects)).toMatchObject([{ problems: [{ reason: 'its store is set aside: it is no JSON' }, {}] }]);
  });

  it('works with what is known while the coordinator is away', () => {
    const scene = createScene({}, [{ kind: 'account', account: facts('1', 1) }]);
    scene.tell(holds());
    expect(only(adopt(scene), 'create-profile')).toHaveLength(1);
  });

  it('takes a login back that its owner deleted, and knows its past', () => {
    const scene = lacking();
    scene.tell(holds(seen('3')));
    scene.tell(holds());
    expect(only(adopt(scene, profile), 'create-profile')).toHaveLength(1);
    settle(scene, { result: 'written', seen: seen('1') });
    expect(scene.state().copies.get(key)?.chain).toEqual([{ access: print('3'), refresh: undefined, expiresAt: null }]);
  });
});

describe('a login of OpenAI', () => {
  it.each([
    ['oauth:openai/acct_9', 'openai-codex:default', 'openai', 'openai:default'],
    ['oauth:openai/acct_9', 'openai:work', 'openai-codex', 'openai-codex:work'],
    ['oauth:openai/acct_9', 'openai-codex:default', undefined, 'openai-codex:default'],
    ['oauth:openai/acct_9', 'mine', 'openai', 'mine'],
    ['api_key:openai/openai:default', 'openai:default', 'openai-codex', 'openai:default'],
  ] as const)('%s as %s where OpenClaw says %s becomes %s', (account, profile, openaiName, expected) => {
    const layout = new Map([[store, { sessions: 1, fallback: store, openaiName }]]);
    const scene = lacking({ layout, apiKeys: true });
    scene.announce({ ...work, account: account as typeof work.account, profile: profile as typeof work.profile });
    const created = only(adopt(scene, profile), 'create-profile');
    expect(created.map(effect => effect.profile)).toEqual([expected]);
  });
});

describe('`sync.create`', () => {
  const wanted = { create: ['*work'], createIn: store };

  it('creates what it names as soon as the fleet is known, and nothing else', () => {
    const scene = lacking(wanted);
    const effects = scene.hear({ type: 'synced' });
    expect(only(effects, 'create-profile')).toMatchObject([{ profile: 'xai:work' }]);
    expect(only(scene.hear({ type: 'synced' }), 'create-profile')).toEqual([]);
    const later = createScene(wanted);
    later.tell(holds());
    later.connect();
    later.hear({ type: 'synced' });
    expect(only(later.announce(work), 'create-profile')).toHaveLength(1);
  });

  it('makes nothing where no store may be made, nor where the login is on this host already', () => {
    expect(only(lacking({ create: ['*'] }).hear({ type: 'synced' }), 'create-profile')).toEqual([]);
    const scene = lacking(wanted);
    const elsewhere = { type: 'store-observed', store: '/else' as StoreId } as const;
    const copy = seen('2', { account: work.account, profile: work.profile });
    scene.tell({ ...elsewhere, seen: { state: 'readable', profiles: [copy] } });
    expect(only(scene.hear({ type: 'synced' }), 'create-profile')).toEqual([]);
  });

  it('does not put back what its owner deleted, not even after an adoption that failed', () => {
    const scene = lacking(wanted);
    const copy = seen('2', { account: work.account, profile: work.profile });
    scene.tell(holds(copy));
    scene.tell(holds());
    expect(only(scene.hear({ type: 'synced' }), 'create-profile')).toEqual([]);
    adopt(scene, work.profile);
    settle(scene, { result: 'failed', reason: 'the disk is full' }, work.profile);
    expect(only(scene.hear({ type: 'synced' }), 'create-profile')).toEqual([]);
  });

  it('says why it could not, and tries again', () => {
    const scene = lacking(wanted);
    scene.hear({ type: 'synced' });
    const effects = settle(scene, { result: 'locked', reason: 'OpenClaw holds its lock' }, work.profile);
    expect(notes(effects)).toEqual(['write-postponed']);
    const [timer] = only(effects, 'set-timer');
    expect(timer?.timer).toBe('revisit');
    scene.pass(timer?.delayMs ?? 0);
    expect(only(scene.tell({ type: 'timer-fired', timer: 'revisit' }), 'create-profile')).toHaveLength(1);
    const failed = settle(scene, { result: 'failed', reason: 'the disk is full' }, work.profile);
    expect(notes(failed)).toEqual(['write-failed']);
    expect(only(scene.announce(facts('4', 2)), 'create-profile')).toEqual([]);
    scene.pass(60 * second);
    expect(only(scene.tell({ type: 'timer-fired', timer: 'revisit' }), 'create-profile')).toHaveLength(1);
  });
});
