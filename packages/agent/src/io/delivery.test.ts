import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WriteOutcome } from '@authmesh/agent/core/event';
import type { Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { hour } from '@authmesh/shared/core/time';
import type { Credential } from '@authmesh/shared/protocol/credential';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ParsedStore, ReadContext } from './auth-profiles.ts';
import { createDeliverer, type DeliveryDeps, deliverySteps } from './delivery.ts';
import type { Delivery } from './store-change.ts';
import { transactionSteps } from './store-port.ts';

const fingerprint = (text: string): Fingerprint =>
  createHash('sha256').update(text).digest('hex').slice(0, 32) as Fingerprint;
const context = (): ReadContext => ({ fingerprint, now: Date.now(), clockOffsetMs: 0 });
const secret = (): string => randomBytes(24).toString('base64url');
const id = 'anthropic:default' as ProfileId;
const login = (): Credential & { readonly refresh: string } => ({
  kind: 'oauth',
  provider: 'anthropic',
  access: secret(),
  refresh: secret(),
  expiresAt: Date.now() + hour,
  details: {},
});
const expectedOf = (credential: Credential) => ({
  access: fingerprint(credential.access),
  refresh: credential.refresh === undefined ? undefined : fingerprint(credential.refresh),
});
const entryOf = ({ kind, provider, access, refresh, expiresAt }: Credential): object => ({
  type: kind,
  provider,
  access,
  refresh,
  expires: expiresAt,
});

let directory: string;
let store: StoreId;
let old: Credential;
let fresh: Credential;
let original: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-delivery-')));
  store = join(directory, 'auth-profiles.json') as StoreId;
  old = login();
  fresh = login();
  original = `${JSON.stringify({ version: 1, profiles: { [id]: entryOf(old), 'xai:b': entryOf(login()) }, lastGood: {} }, null, 2)}\n`;
  await writeFile(store, original, { mode: 0o600 });
});

const order = (changes: Partial<Delivery> = {}): Delivery => ({
  store,
  profile: id,
  expected: expectedOf(old),
  credential: fresh,
  form: 'full',
  ...changes,
});
const deliver = (changes: Partial<Delivery> = {}, deps: Partial<DeliveryDeps> = {}): Promise<WriteOutcome> =>
  createDeliverer({ context, lockWaitMs: 100, ...deps }).deliver(order(changes));
const stored = async (profile: string = id): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(store, 'utf8')).profiles[profile];

describe('a delivery', () => {
  it('writes, reads back and says what stands there', async () => {
    const read: ParsedStore[] = [];
    const outcome = await deliver({}, { onRead: (_store, parsed) => read.push(parsed) });
    expect(outcome).toMatchObject({ result: 'written', seen: { health: 'sound', ...expectedOf(fresh) } });
    expect(await stored()).toEqual(entryOf(fresh));
    expect(read).toHaveLength(1);
    expect(await readdir(directory)).toEqual(['auth-profiles.json']);
    expect((await stat(store)).mode & 0o777).toBe(0o600);
  });

  it('is settled, and its lock free, before the store may be read again', async () => {
    const order: string[] = [];
    const during: DeliveryDeps['during'] = async (_store, work) => {
      const result = await work();
      order.push((await readdir(directory)).join());
      return result;
    };
    await deliver({}, { during }).then(({ result }) => order.push(result));
    await expect.poll(() => order).toEqual(['written', 'auth-profiles.json']);
  });

  it('in the bearer form leaves no refresh token behind', async () => {
    expect(await deliver({ form: 'bearer' })).toMatchObject({ result: 'written', seen: { refresh: undefined } });
    expect(await readFile(store, 'utf8')).not.toContain(fresh.refresh);
    expect(await readFile(store, 'utf8')).not.toContain(old.refresh);
  });

  it('changes nothing when another credential stands there than the one that was judged', async () => {
    expect(await deliver({ expected: expectedOf(login()) })).toEqual({ result: 'changed' });
    expect(await deliver({ expected: { access: fingerprint(old.access) } })).toEqual({ result: 'changed' });
    expect(await deliver({ profile: 'anthropic:gone' as ProfileId })).toEqual({ result: 'changed' });
    expect(await readFile(store, 'utf8')).toBe(original);
  });

  it('that is repeated finds itself done', async () => {
    await deliver();
    const { mtimeMs } = await stat(store);
    expect(await deliver()).toMatchObject({ result: 'written' });
    expect((await stat(store)).mtimeMs).toBe(mtimeMs);
  });

  it('that is repeated writes the end anew that its store had wrong, and that only', async () => {
    const { access } = await stored();
    const wrong = { ...old, refresh: undefined, expiresAt: Date.now() - hour };
    const entry = { ...entryOf(wrong), email: 'owner@example.com' };
    await writeFile(store, JSON.stringify({ version: 1, profiles: { [id]: entry } }));
    const right = Date.now() + hour;
    const again = { expected: expectedOf(wrong), credential: { ...wrong, expiresAt: right }, form: 'bearer' } as const;
    expect(await deliver(again)).toMatchObject({ result: 'written', seen: { expiresAt: right } });
    expect(await stored()).toEqual({ ...entry, access, expires: right });
  });

  it('lifts the cooldown in auth-state.json, where later releases keep it', async () => {
    const stats = { lastUsed: 1, cooldownUntil: 2, cooldownReason: 'auth' };
    const state = join(directory, 'auth-state.json');
    await writeFile(state, JSON.stringify({ version: 1, usageStats: { [id]: stats, 'xai:b': stats } }));
    await deliver();
    expect(JSON.parse(await readFile(state, 'utf8')).usageStats).toEqual({ [id]: { lastUsed: 1 }, 'xai:b': stats });
  });

  it('creates a profile, and a store in an agent that has none', async () => {
    const isNew = { isNew: true, expected: {} } as const;
    expect(await deliver({ ...isNew, profile: 'anthropic:two' as ProfileId })).toMatchObject({ result: 'written' });
    expect(await deliver(isNew)).toEqual({ result: 'changed' });
    await rm(store);
    expect(await deliver(isNew)).toMatchObject({ result: 'written' });
    expect((await stat(store)).mode & 0o777).toBe(0o600);
    expect(await deliver({ store: join(directory, 'none', 'auth-profiles.json') as StoreId })).toMatchObject({
      result: 'failed',
    });
  });

  it('goes through a symbolic link to its target, and to two stores that are one file', async () => {
    const elsewhere = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-target-')));
    const target = join(elsewhere, 'shared.json');
    await writeFile(target, original);
    const links = ['a', 'b'].map(name => join(directory, name, 'auth-profiles.json') as StoreId);
    for (const link of links) {
      await mkdir(join(link, '..'));
      await symlink(target, link);
    }
    const { deliver: send } = createDeliverer({ context });
    const outcomes = await Promise.all(links.map(link => send(order({ store: link }))));
    expect(outcomes.map(({ result }) => result)).toEqual(['written', 'written']);
    expect(JSON.parse(await readFile(target, 'utf8')).profiles[id]).toEqual(entryOf(fresh));
    expect(await readdir(elsewhere)).toEqual(['shared.json']);
  });

  it('of many profiles at once is written in few goes, each as it should be', async () => {
    const profiles = Array.from({ length: 30 }, (_, index) => ({
      profile: `anthropic:${index}` as ProfileId,
      was: login(),
      is: login(),
    }));
    const entries = Object.fromEntries(profiles.map(({ profile, was }) => [profile, entryOf(was)]));
    await writeFile(store, JSON.stringify({ version: 1, profiles: entries }));
    let writes = 0;
    const { deliver: send } = createDeliverer({ context, at: step => void (step === 'renamed' && writes++) });
    const outcomes = await Promise.all(
      profiles.map(({ profile, was, is }) => send(order({ profile, expected: expectedOf(was), credential: is }))),
    );
    expect(outcomes.every(({ result }) => result === 'written')).toBe(true);
    expect(writes).toBeLessThan(5);
    for (const { profile, is } of profiles) expect(await stored(profile)).toEqual(entryOf(is));
  });
});

describe('a delivery that cannot be', () => {
  it('says that the lock is held, by whom', async () => {
    await writeFile(`${store}.lock`, JSON.stringify({ pid: process.ppid, createdAt: new Date().toISOString() }));
    expect(await deliver()).toMatchObject({ result: 'locked', reason: expect.stringContaining(String(process.ppid)) });
    expect(await readFile(store, 'utf8')).toBe(original);
  });

  it.each([
    ['half-written', () => writeFile(store, original.slice(0, 99))],
    ['empty', () => writeFile(store, '')],
    ['of an unknown version', () => writeFile(store, original.replace('"version": 1', '"version": 9'))],
    [
      'a directory',
      async () => {
        await rm(store);
        await mkdir(store);
      },
    ],
    [
      'a loop',
      async () => {
        await rm(store);
        await symlink(store, store);
      },
    ],
  ])('never writes over a store that is %s', async (_name, spoil) => {
    await spoil();
    const before = await readFile(store, 'utf8').catch(() => undefined);
    const outcome = await deliver();
    expect(outcome).toMatchObject({ result: 'failed', reason: expect.stringContaining(store) });
    expect(await readFile(store, 'utf8').catch(() => undefined)).toBe(before);
  });

  it('fails on a full disk and leaves everything as it was', async () => {
    const at = (step: string): void => {
      if (step === 'temp-written') throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    };
    expect(await deliver({}, { at })).toMatchObject({
      result: 'failed',
      reason: expect.stringMatching(/disk .* full/),
    });
    expect(await readFile(store, 'utf8')).toBe(original);
    expect(await readdir(directory)).toEqual(['auth-profiles.json']);
  });

  it('fails in a read-only directory with a sentence', async () => {
    if (process.getuid?.() === 0) {
      expect(await deliver({ store: '/proc/self/auth-profiles.json' as StoreId })).toMatchObject({ result: 'failed' });
      return;
    }
    await chmod(directory, 0o500);
    expect(await deliver()).toMatchObject({ result: 'failed', reason: expect.stringContaining(directory) });
    await chmod(directory, 0o700);
  });

  it('is refused where the host keeps its logins elsewhere', async () => {
    expect(await deliver({}, { refusal: () => 'they are in SQLite' })).toEqual({
      result: 'failed',
      reason: 'they are in SQLite',
    });
    expect(await readFile(store, 'utf8')).toBe(original);
  });

  it('meets a writer without the lock, and loses none of what it wrote', async () => {
    const overtaking = JSON.parse(original);
    overtaking.lastGood = { anthropic: id };
    let isOvertaken = false;
    const at = async (step: string): Promise<void> => {
      if (step !== 'temp-synced' || isOvertaken) return;
      isOvertaken = true;
      await writeFile(store, JSON.stringify(overtaking));
    };
    expect(await deliver({}, { at })).toMatchObject({ result: 'written' });
    expect(JSON.parse(await readFile(store, 'utf8'))).toEqual({
      ...overtaking,
      profiles: { ...overtaking.profiles, [id]: entryOf(fresh) },
    });
  });
});

/** Those of a transaction are a database's. */
const steps = deliverySteps.filter(step => !transactionSteps.some(one => one === step));

describe('kill -9 in the middle of a delivery', () => {
  it.each(steps.map(step => [step]))('at %s leaves the old or the new store and a lock to recover', async step => {
    const script = `
      import { createHash } from 'node:crypto';
      import { createDeliverer } from ${JSON.stringify(join(import.meta.dirname, 'delivery.ts'))};
      const { order, step } = JSON.parse(process.argv[1]);
      const fingerprint = text => createHash('sha256').update(text).digest('hex').slice(0, 32);
      const { deliver } = createDeliverer({
        context: () => ({ fingerprint, now: Date.now(), clockOffsetMs: 0 }),
        at: reached => void (reached === step && process.kill(process.pid, 'SIGKILL')),
      });
      await deliver(order);`;
    const child = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      script,
      JSON.stringify({ order: order(), step }),
    ]);
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGKILL');
    const after = await readFile(store, 'utf8');
    const isNew = deliverySteps.indexOf(step) >= deliverySteps.indexOf('renamed');
    expect(JSON.parse(after).profiles[id]).toEqual(entryOf(isNew ? fresh : old));
    expect(isNew || after === original).toBe(true);
    expect(await deliver()).toMatchObject({ result: 'written' });
    expect(await stored()).toEqual(entryOf(fresh));
    expect(await readdir(directory)).toEqual(['auth-profiles.json']);
  });
});
