import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { hour } from '@authmesh/shared/core/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDeliverer, type DeliveryStep } from './delivery.ts';
import { readStoreFile } from './store-file.ts';
import { replaceStore } from './store-replacement.ts';

const secret = (): string => randomBytes(24).toString('base64url');
const fingerprint = (text: string): Fingerprint =>
  createHash('sha256').update(text).digest('hex').slice(0, 32) as Fingerprint;
const profile = 'anthropic:default' as ProfileId;
const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

let directory: string;
let store: StoreId;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'authmesh-replacement-'));
  store = join(directory, 'auth-profiles.json') as StoreId;
  await writeFile(store, json({ round: 0 }));
});
afterEach(() => rm(directory, { recursive: true }));

/** A save by a program that opened the store before it was replaced; `pieces` are written one after the other. */
async function openSave(): Promise<(...pieces: readonly string[]) => Promise<void>> {
  const file = await open(store, 'r+');
  return async (...pieces) => {
    await file.truncate();
    for (const piece of pieces) {
      await file.write(piece);
      await new Promise(resolve => setImmediate(resolve));
    }
    await file.close();
  };
}

describe('a store that is replaced', () => {
  it('says nothing of a file that nobody saved', async () => {
    const replacement = await replaceStore(store, readStoreFile(store), json({ round: 1 }));
    expect(replacement).toEqual({ outcome: { result: 'replaced' } });
  });

  it('gives back what was saved into the replaced file, once it is whole', async () => {
    const save = await openSave();
    const last = json({ round: 2 });
    let saving = Promise.resolve();
    const replacement = await replaceStore(store, readStoreFile(store), json({ round: 1 }), {
      at: step => {
        if (step === 'renamed') saving = save(last.slice(0, 5), last.slice(5));
      },
    });
    await saving;
    expect(replacement).toMatchObject({
      outcome: { result: 'replaced' },
      missed: { late: last, ours: json({ round: 1 }) },
    });
    expect(await readFile(store, 'utf8')).toBe(json({ round: 1 }));
  });

  it('is left alone when it was saved before', async () => {
    const read = readStoreFile(store);
    await writeFile(store, json({ round: 2 }));
    const replacement = await replaceStore(store, read, json({ round: 1 }));
    expect(replacement.outcome).toEqual({ result: 'overtaken' });
    await rm(store);
    expect((await replaceStore(store, read, json({ round: 1 }))).outcome).toEqual({ result: 'overtaken' });
  });
});

describe('a delivery while the owner saves without the lock', () => {
  const login = (access: string): object => ({ type: 'oauth', provider: 'anthropic', access, expires: 4e12 });
  const text = (access: string, note: string): string =>
    json({ version: 1, profiles: { [profile]: login(access), 'lab:notes': { type: 'token', provider: 'lab', note } } });
  const deliver = async (
    old: string,
    fresh: string,
    at: (step: DeliveryStep) => void | Promise<void>,
  ): Promise<string> => {
    const context = () => ({ fingerprint, now: Date.now(), clockOffsetMs: 0 });
    const credential = {
      kind: 'oauth',
      provider: 'anthropic',
      access: fresh,
      expiresAt: Date.now() + hour,
      details: {},
    };
    const outcome = await createDeliverer({ context, at }).deliver({
      store,
      profile,
      expected: { access: fingerprint(old) },
      credential: { ...credential, kind: 'oauth' },
      form: 'bearer',
    });
    return outcome.result;
  };
  const found = async () => {
    const { profiles } = JSON.parse(await readFile(store, 'utf8'));
    return { access: profiles[profile].access, note: profiles['lab:notes'].note };
  };

  it('keeps what was saved into the replaced file, and delivers', async () => {
    const [old, fresh] = [secret(), secret()];
    await writeFile(store, text(old, 'first'));
    const save = await openSave();
    let isSaved = false;
    const result = await deliver(old, fresh, async step => {
      if (step !== 'renamed' || isSaved) return;
      isSaved = true;
      await save(text(old, 'last'));
    });
    expect(result).toBe('written');
    const { access, note } = await found();
    expect(access === fresh).toBe(true);
    expect(note).toBe('last');
  });

  it('puts back the owner’s own new login, and says that the store changed', async () => {
    const [old, fresh, own] = [secret(), secret(), secret()];
    await writeFile(store, text(old, 'first'));
    const save = await openSave();
    let isSaved = false;
    const result = await deliver(old, fresh, async step => {
      if (step !== 'renamed' || isSaved) return;
      isSaved = true;
      await save(text(own, 'last'));
    });
    expect(result).toBe('changed');
    expect((await found()).access === own).toBe(true);
  });

  it.each([
    ['the disk is full by then', 1, 'temp-opened'],
    ['the folder cannot be synced', 1, 'renamed'],
    ['it is of a version that nobody here knows', 2, undefined],
  ] as const)('puts back what was saved, as it was, where %s', async (_name, version, failing) => {
    const [old, fresh, own] = [secret(), secret(), secret()];
    await writeFile(store, text(old, 'first'));
    const saved = text(own, 'last').replace('"version": 1', `"version": ${version}`);
    const save = await openSave();
    let isSaved = false;
    const result = await deliver(old, fresh, async step => {
      const isFirst = step === 'renamed' && !isSaved;
      if (isFirst) await save(saved);
      isSaved ||= isFirst;
      if (isSaved && step === failing) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    });
    expect(result).toBe('failed');
    expect((await readFile(store, 'utf8')) === saved).toBe(true);
    expect(await readdir(directory)).toEqual(['auth-profiles.json']);
  });

  it('leaves alone what was saved anew after that', async () => {
    const [old, fresh] = [secret(), secret()];
    await writeFile(store, text(old, 'first'));
    const save = await openSave();
    let isSaved = false;
    const result = await deliver(old, fresh, async step => {
      if (step === 'directory-synced' && !isSaved) {
        isSaved = true;
        await save(text(old, 'late'));
        await writeFile(store, text(old, 'last'));
      }
    });
    expect(result).toBe('written');
    expect((await found()).note).toBe('last');
  });

  it('waits for the end of a save that has just truncated the store', async () => {
    const [old, fresh] = [secret(), secret()];
    await truncate(store);
    const delivering = deliver(old, fresh, async () => {});
    await new Promise(resolve => setImmediate(resolve));
    await writeFile(store, text(old, 'last'));
    expect(await delivering).toBe('written');
    expect((await found()).note).toBe('last');
  });
});
