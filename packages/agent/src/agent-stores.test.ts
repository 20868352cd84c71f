import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as scene from '@authmesh/agent/core/agent-scene';
import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { AgentEvent } from '@authmesh/agent/core/event';
import { createAgentState } from '@authmesh/agent/core/initial-state';
import type { AgentState } from '@authmesh/agent/core/state';
import { transition } from '@authmesh/agent/core/transition';
import { sharedDatabase } from '@authmesh/agent/io/formats/sqlite-schema';
import { createRecordVault } from '@authmesh/agent/io/record-vault';
import { openOwned } from '@authmesh/agent/io/store-port-contract';
import { type AccountId, copyKey, type ProfileId, type StoreId } from '@authmesh/shared/core/identifiers';
import { hour } from '@authmesh/shared/core/time';
import { createBoxKey } from '@authmesh/shared/crypto/box-key';
import { createFleetSecrets } from '@authmesh/shared/crypto/fleet-secrets';
import { createSigningKey } from '@authmesh/shared/crypto/signing';
import { createLogger } from '@authmesh/shared/node/logger';
import { createDriver, type Driver } from '@authmesh/shared/runtime/driver';
import { expect, it } from 'vitest';
import { createAgentStores } from './agent-stores.ts';

async function stateDirOf(root: string, name: string): Promise<string> {
  const agent = join(root, name, 'agents', 'main', 'agent');
  await mkdir(agent, { recursive: true });
  const access = randomBytes(16).toString('base64url');
  const login = { type: 'oauth', provider: 'xai', access, expires: Date.now() + hour, email: `${name}@example.com` };
  await writeFile(
    join(agent, 'auth-profiles.json'),
    JSON.stringify({ version: 1, profiles: { 'xai:default': login } }),
  );
  return join(root, name);
}

/** The stores of a host with a machine that decides nothing by itself. */
function createHost() {
  const membership = { fleet: scene.fleet, name: 'host', coordinatorKey: '', secrets: createFleetSecrets() };
  const vault = createRecordVault({ signing: createSigningKey(), box: createBoxKey() }, membership);
  const events: AgentEvent[] = [];
  const written: boolean[] = [];
  const driver: Driver<AgentState, AgentEvent> = createDriver<AgentState, AgentEvent, AgentEffect>({
    transition,
    state: createAgentState({
      node: scene.self,
      name: 'host',
      fleet: scene.fleet,
      config: scene.defaults,
      memory: [],
      run: 'run',
    }),
    execute: () => undefined,
    now: Date.now,
    elapsed: () => performance.now(),
    drawSeed: () => 1,
    onInput: ({ event }) => void events.push(event),
    onCrash: error => {
      throw error;
    },
  });
  const stores = createAgentStores({
    vault,
    logger: createLogger({ program: 'agent', level: 'error', tagKey: randomBytes(32) }),
    machine: () => driver,
    elapsed: () => performance.now(),
    onWritten: (_, wasOut) => void written.push(wasOut),
  });
  return { stores, driver, vault, events, written };
}

it('a state directory that left the configuration stays away when everything is read again', async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-stores-')));
  const [gone, stays] = [await stateDirOf(root, 'gone'), await stateDirOf(root, 'stays')];
  const { stores, driver, events } = createHost();
  const observations = () => events.filter(({ type }) => type === 'store-observed').length;
  const found = () => [...driver.state.stores].map(([store, { state }]) => [store.split('/').at(-5), state]);
  await stores.watch({ stateDirs: [gone, stays] });
  expect(found()).toEqual([
    ['gone', 'readable'],
    ['stays', 'readable'],
  ]);
  await stores.watch({ stateDirs: [stays] });
  const before = observations();
  stores.rereadAll();
  await expect.poll(observations).toBeGreaterThan(before);
  await stores.rescan();
  expect(found()).toEqual([
    ['gone', 'absent'],
    ['stays', 'readable'],
  ]);
  await stores.close();
});

it('a delivery that lifts a mark which nobody has reported yet says that the agent was out', async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-stores-')));
  await mkdir(join(root, 'state'));
  const shared = openOwned(join(root, 'state'), sharedDatabase);
  const [profile, access] = ['xai:default' as ProfileId, randomBytes(16).toString('base64url')];
  const entry = { type: 'oauth', provider: 'xai', access, expires: Date.now() + hour, email: 'someone@example.test' };
  shared.save(JSON.stringify({ version: 1, profiles: { [profile]: entry } }));
  const { stores, driver, vault, written } = createHost();
  await stores.watch({ stateDirs: [root] });
  const deliver = async () => {
    const credential = { kind: 'oauth', provider: 'xai', access: randomBytes(16).toString('base64url') } as const;
    const print = vault.fingerprint(credential.access);
    const expected = { access: vault.fingerprint(JSON.parse(shared.text() ?? '').profiles[profile].access) };
    vault.put(print, { ...credential, expiresAt: Date.now() + hour, details: {} });
    const store = shared.path as StoreId;
    const account = 'oauth:xai/someone@example.test' as AccountId;
    const order = { store, profile, account, expected, access: print, expiresAt: Date.now() + hour } as const;
    stores.deliver({ type: 'write-credential', form: 'bearer', ...order });
    await stores.settled();
  };
  const marks = { cooldownUntil: Date.now() + hour, cooldownReason: 'auth', failureCounts: { auth: 1 } };
  shared.state?.save(JSON.stringify({ version: 1, usageStats: { [profile]: marks } }));
  await deliver();
  const key = copyKey(shared.path as StoreId, profile);
  await expect.poll(() => driver.state.copies.get(key)?.seen?.use?.pausedUntil).toBeUndefined();
  await deliver();
  expect(written).toEqual([true, false]);
  await stores.close();
});

it.each([
  ['2026.3.13', 'hears that its refresh token is gone: it would use it all the same', 1],
  ['2026.5.28', 'does not hear of a refresh token alone', 0],
])('a gateway of %s %s', async (lastTouchedVersion, _, times) => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-stores-')));
  const folder = join(root, 'agents', 'main', 'agent');
  await mkdir(folder, { recursive: true });
  await writeFile(join(root, 'openclaw.json'), JSON.stringify({ meta: { lastTouchedVersion } }));
  const [access, refresh] = [1, 2].map(() => randomBytes(16).toString('base64url')) as [string, string];
  const [store, profile] = [join(folder, 'auth-profiles.json') as StoreId, 'xai:default' as ProfileId];
  const expires = Date.now() + hour;
  const profiles = { [profile]: { type: 'oauth', provider: 'xai', access, refresh, expires } };
  await writeFile(store, JSON.stringify({ version: 1, profiles }));
  const { stores, vault, written } = createHost();
  await stores.watch({ stateDirs: [root] });
  const print = vault.fingerprint(access);
  const expected = { access: print, refresh: vault.fingerprint(refresh) };
  const order = { store, profile, account: 'oauth:xai/xai:default' as AccountId, expected, access: print } as const;
  stores.deliver({
    type: 'write-credential',
    form: 'bearer',
    ...order,
    refresh: expected.refresh,
    expiresAt: expires,
    takesRefreshOnly: true,
  });
  await stores.settled();
  expect(JSON.parse(await readFile(store, 'utf8')).profiles[profile]).not.toHaveProperty('refresh');
  expect(written).toHaveLength(times);
  await stores.close();
});

it('a store whose refresh token is spent does not take the place of the pair that it was renewed into', async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-stores-')));
  const [access, spent, next] = [1, 2, 3].map(() => randomBytes(16).toString('base64url')) as [string, string, string];
  const folder = join(root, 'agents', 'main', 'agent');
  await mkdir(folder, { recursive: true });
  const entry = { type: 'oauth', provider: 'xai', access, refresh: spent, expires: Date.now() + hour };
  await writeFile(
    join(folder, 'auth-profiles.json'),
    JSON.stringify({ version: 1, profiles: { 'xai:default': entry } }),
  );
  const { stores, driver, vault } = createHost();
  const [print, spentPrint] = [vault.fingerprint(access), vault.fingerprint(spent)];
  vault.put(print, {
    kind: 'oauth',
    provider: 'xai',
    access,
    refresh: next,
    expiresAt: Date.now() + hour,
    details: {},
  });
  driver.state.spent.set(scene.account, [spentPrint]);
  await stores.watch({ stateDirs: [root] });
  const [copy] = driver.state.copies.values();
  expect([copy?.seen?.refresh, vault.get(print)?.refresh === next]).toEqual([spentPrint, true]);
  await stores.close();
});
