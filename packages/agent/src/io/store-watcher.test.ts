import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Fingerprint, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { hour } from '@authmesh/shared/core/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ParsedStore, ReadContext } from './auth-profiles.ts';
import { createDeliverer } from './delivery.ts';
import { createStoreWatcher, type StoreWatcher, type StoreWatcherOptions } from './store-watcher.ts';

const fingerprint = (text: string): Fingerprint =>
  createHash('sha256').update(text).digest('hex').slice(0, 32) as Fingerprint;
const context = (): ReadContext => ({ fingerprint, now: Date.now(), clockOffsetMs: 0 });
const secret = (): string => randomBytes(16).toString('base64url');
const id = 'anthropic:default' as ProfileId;
const text = (access: string, more: object = {}): string =>
  `${JSON.stringify({
    version: 1,
    profiles: { [id]: { type: 'oauth', provider: 'anthropic', access, expires: Date.now() + hour } },
    ...more,
  })}\n`;

let stateDir: string;
let watcher: StoreWatcher | undefined;
let seen: { readonly store: StoreId; readonly parsed: ParsedStore }[];

beforeEach(async () => {
  stateDir = join(await realpath(await mkdtemp(join(tmpdir(), 'authmesh-watch-'))), 'openclaw');
  seen = [];
});
afterEach(async () => {
  await watcher?.close();
  watcher = undefined;
});

const storeOf = (agent: string): StoreId => join(stateDir, 'agents', agent, 'agent', 'auth-profiles.json') as StoreId;
async function put(agent: string, content: string): Promise<StoreId> {
  const store = storeOf(agent);
  await mkdir(dirname(store), { recursive: true });
  await writeFile(store, content);
  return store;
}
async function replace(store: string, content: string): Promise<void> {
  await writeFile(`${store}.new`, content);
  await rename(`${store}.new`, store);
}
/** The rescan is far away unless a test is about it: what is seen was seen by watching. */
async function start(options: Partial<StoreWatcherOptions> = {}): Promise<StoreWatcher> {
  watcher = await createStoreWatcher({
    places: { stateDirs: [stateDir] },
    context,
    onStore: (store, parsed) => seen.push({ store, parsed }),
    rescanMs: hour,
    ...options,
  });
  return watcher;
}
const lastOf = (store: StoreId) => seen.findLast(one => one.store === store)?.parsed.seen;
function accessOf(store: StoreId): Fingerprint | undefined {
  const last = lastOf(store);
  return last?.state === 'readable' ? last.profiles[0]?.access : undefined;
}
const sees = (store: StoreId, access: string): Promise<void> =>
  expect.poll(() => accessOf(store), { timeout: 5_000, interval: 5 }).toBe(fingerprint(access));

describe('the watcher', () => {
  it('sees the main agent’s store where OpenClaw was told to keep it, also when that place comes later', async () => {
    const agentDir = join(dirname(stateDir), 'elsewhere');
    const store = join(agentDir, 'auth-profiles.json') as StoreId;
    const [one, two, three] = [secret(), secret(), secret()];
    await put('work', text(one));
    const watching = await start({ places: { stateDirs: [stateDir], agentDir }, rescanMs: 200 });
    await mkdir(agentDir);
    await writeFile(store, text(two));
    await sees(store, two);
    await replace(store, text(three));
    await sees(store, three);
    expect(watching.directories()[0]?.agents.map(({ id }) => id)).toEqual(['main', 'work']);
  });

  it('reports every store once at the start, and a change by rename or in place', async () => {
    const [one, two, three] = [secret(), secret(), secret()];
    const store = await put('main', text(one));
    const other = await put('work', text(one));
    await start();
    expect(seen.map(({ store }) => store).toSorted()).toEqual([store, other].toSorted());
    await replace(store, text(two));
    await sees(store, two);
    await writeFile(other, text(three));
    await sees(other, three);
    expect(seen).toHaveLength(4);
  });

  it('says nothing of counters, formatting and a touched file', async () => {
    const access = secret();
    const store = await put('main', text(access));
    const content = await readFile(store, 'utf8');
    await start();
    const document = JSON.parse(content);
    for (let n = 0; n < 20; n++) {
      document.usageStats = { [id]: { errorCount: n } };
      await replace(store, JSON.stringify(document, null, n % 3));
    }
    const next = secret();
    await replace(store, text(next));
    await sees(store, next);
    expect(seen).toHaveLength(2);
  });

  it.each([['in the store'], ['in the file beside it']])('tells what OpenClaw notes of a use %s', async place => {
    const store = await put('main', text(secret()));
    await start();
    const usageStats = { [id]: { lastUsed: 1_795_000_000_000 } };
    if (place === 'in the store') {
      await replace(store, JSON.stringify({ ...JSON.parse(await readFile(store, 'utf8')), usageStats }));
    } else {
      await writeFile(join(dirname(store), 'auth-state.json'), JSON.stringify({ version: 1, usageStats }));
    }
    const useOf = () => {
      const last = lastOf(store);
      return last?.state === 'readable' ? last.profiles[0]?.use : undefined;
    };
    await expect.poll(useOf, { timeout: 5_000 }).toMatchObject({ usedAt: 1_795_000_000_000 });
  });

  it('waits for the end of a write that truncates and goes on', async () => {
    const store = await put('main', text(secret()));
    await start();
    const next = secret();
    const whole = text(next);
    await truncate(store, 0);
    await writeFile(store, whole.slice(0, 40));
    await writeFile(store, whole);
    await sees(store, next);
    expect(seen.map(({ parsed }) => parsed.seen.state)).toEqual(['readable', 'readable']);
  });

  it('reports an emptied file when it stays empty, and its return', async () => {
    const store = await put('main', text(secret()));
    await start();
    await truncate(store, 0);
    await expect.poll(() => lastOf(store)?.state, { timeout: 5_000 }).toBe('quarantined');
    const next = secret();
    await writeFile(store, text(next));
    await sees(store, next);
  });

  it('survives deletion, a directory, a loop of links, and sees the file when it is back', async () => {
    const store = await put('main', text(secret()));
    await start();
    const states = (): unknown => lastOf(store)?.state;
    const back = async (): Promise<void> => {
      const next = secret();
      await rm(store, { recursive: true, force: true });
      await writeFile(store, text(next));
      await sees(store, next);
    };
    await rm(store);
    await expect.poll(states, { timeout: 5_000 }).toBe('absent');
    await back();
    await rm(store);
    await mkdir(store);
    await expect.poll(states, { timeout: 5_000 }).toBe('quarantined');
    await back();
    await rm(store);
    await symlink(store, store);
    await expect.poll(states, { timeout: 5_000 }).toBe('quarantined');
    await back();
  });

  it('sees the file that a store links to', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'authmesh-target-'));
    const target = join(await realpath(elsewhere), 'shared.json');
    await writeFile(target, text(secret()));
    const store = storeOf('main');
    await mkdir(dirname(store), { recursive: true });
    await symlink(target, store);
    await start();
    const next = secret();
    await replace(target, text(next));
    await sees(store, next);
    const last = secret();
    await replace(target, text(last));
    await sees(store, last);
  });

  it('finds agents, and a whole state directory, that appear later', async () => {
    await start();
    const first = secret();
    await sees(await put('main', text(first)), first);
    const second = secret();
    await sees(await put('later', text(second)), second);
    const third = secret();
    await replace(storeOf('later'), text(third));
    await sees(storeOf('later'), third);
  });

  it('rereads on request, and reports a delivery’s own write through its outcome alone', async () => {
    const access = secret();
    const store = await put('main', text(access));
    const watching = await start();
    watching.reread(store);
    await expect.poll(() => seen.length).toBe(2);
    const { deliver } = createDeliverer({ context, onRead: watching.accept, during: watching.during });
    const next = secret();
    const outcome = await deliver({
      store,
      profile: id,
      expected: { access: fingerprint(access) },
      credential: { kind: 'oauth', provider: 'anthropic', access: next, expiresAt: Date.now() + hour, details: {} },
      form: 'bearer',
    });
    expect(outcome.result).toBe('written');
    await watching.rescan();
    expect(seen).toHaveLength(2);
    const last = secret();
    await replace(store, text(last));
    await sees(store, last);
    expect(seen).toHaveLength(3);
  });

  it('sets a store aside when its host moves its logins into SQLite', async () => {
    const store = await put('main', text(secret()));
    const watching = await start();
    const database = new DatabaseSync(join(dirname(store), 'openclaw-agent.sqlite'));
    database.exec(`CREATE TABLE auth_profile_store (store_key TEXT PRIMARY KEY, store_json TEXT, updated_at INTEGER);
      INSERT INTO auth_profile_store VALUES ('primary', '{}', 1)`);
    database.close();
    await watching.rescan();
    expect(lastOf(store)).toMatchObject({
      state: 'quarantined',
      reason: expect.stringContaining('openclaw-agent.sqlite'),
    });
    expect(watching.directories()[0]?.generation).toBe('sqlite');
    // Asked for or touched, the old file is none to read.
    const before = seen.length;
    watching.reread(store);
    await expect.poll(() => seen.length).toBe(before + 1);
    await writeFile(store, text(secret()));
    await watching.rescan();
    expect(seen.slice(before).map(({ parsed }) => parsed.seen.state)).toEqual(['quarantined']);
  });

  it('says nothing of a store that is none of its own', async () => {
    const store = await put('main', text(secret()));
    const elsewhere = join(stateDir, '..', 'other', 'agents', 'main', 'agent', 'auth-profiles.json') as StoreId;
    await mkdir(dirname(elsewhere), { recursive: true });
    await writeFile(elsewhere, text(secret()));
    const watching = await start();
    watching.reread(elsewhere);
    await watching.during(elsewhere, async () => undefined);
    watching.accept(elsewhere, seen[0]?.parsed as ParsedStore, []);
    watching.reread(store);
    await expect.poll(() => seen.length).toBe(2);
    await watching.rescan();
    expect(seen.map(one => one.store)).toEqual([store, store]);
  });
});

describe('the rescan', () => {
  it('finds what no event told', async () => {
    const store = await put('main', text(secret()));
    const watching = await start();
    const next = secret();
    // Moved over together with its folder: nothing that is watched has an event for the file itself.
    const folder = dirname(store);
    await mkdir(`${folder}-new`);
    await writeFile(join(`${folder}-new`, 'auth-profiles.json'), text(next));
    await rename(folder, `${folder}-old`);
    await rename(`${folder}-new`, folder);
    await watching.rescan();
    await sees(store, next);
  });
});

describe('bursts from another process', () => {
  it.each([[0], [1], [2], [5], [20]])('with gaps of %d ms: the last value is seen, and every later one', async gap => {
    const store = await put('main', text(secret()));
    await start();
    for (let round = 0; round < 3; round++) {
      const accesses = Array.from({ length: 15 }, secret);
      const script = `
        const { renameSync, writeFileSync } = require('node:fs');
        const { store, texts, gap } = JSON.parse(process.argv[1]);
        const next = at => {
          if (at === texts.length) return;
          writeFileSync(store + '.tmp', texts[at]);
          renameSync(store + '.tmp', store);
          gap === 0 ? next(at + 1) : setTimeout(next, gap, at + 1);
        };
        next(0);`;
      const writer = spawn(process.execPath, [
        '-e',
        script,
        JSON.stringify({ store, texts: accesses.map(one => text(one)), gap }),
      ]);
      await once(writer, 'exit');
      await sees(store, accesses.at(-1) ?? '');
    }
    for (let later = 0; later < 10; later++) {
      const access = secret();
      await replace(store, text(access));
      await sees(store, access);
    }
  });
});
