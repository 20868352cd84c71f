import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as scene from '@authmesh/agent/core/agent-scene';
import type { AgentEffect } from '@authmesh/agent/core/effect';
import type { AgentEvent } from '@authmesh/agent/core/event';
import { type AgentState, createAgentState } from '@authmesh/agent/core/state';
import { transition } from '@authmesh/agent/core/transition';
import { createRecordVault } from '@authmesh/agent/io/record-vault';
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

it('a state directory that left the configuration stays away when everything is read again', async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'authmesh-stores-')));
  const [gone, stays] = [await stateDirOf(root, 'gone'), await stateDirOf(root, 'stays')];
  const membership = { fleet: scene.fleet, name: 'host', coordinatorKey: '', secrets: createFleetSecrets() };
  let observed = 0;
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
    onInput: ({ event }) => {
      if (event.type === 'store-observed') observed++;
    },
    onCrash: error => {
      throw error;
    },
  });
  const stores = createAgentStores({
    vault: createRecordVault({ signing: createSigningKey(), box: createBoxKey() }, membership),
    logger: createLogger({ program: 'agent', level: 'error', tagKey: randomBytes(32) }),
    machine: () => driver,
    elapsed: () => performance.now(),
    onWritten: () => undefined,
  });
  const found = () => [...driver.state.stores].map(([store, { state }]) => [store.split('/').at(-5), state]);
  await stores.watch({ stateDirs: [gone, stays] });
  expect(found()).toEqual([
    ['gone', 'readable'],
    ['stays', 'readable'],
  ]);
  await stores.watch({ stateDirs: [stays] });
  const before = observed;
  stores.rereadAll();
  await expect.poll(() => observed).toBeGreaterThan(before);
  await stores.rescan();
  expect(found()).toEqual([
    ['gone', 'absent'],
    ['stays', 'readable'],
  ]);
  await stores.close();
});
