import { randomBytes } from 'node:crypto';
import { type FSWatcher, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { save } from '../login-store.ts';

/** The stores of an outage: a host whose login is renewed, and one whose agents have logins that ended. */

export const profile = 'openai-codex:default';
const hour = 3_600_000;

export interface Login {
  readonly access: string;
  readonly text: string;
}

/** One login of the account that all share, `lifeMs` from now. */
export function loginOf(lifeMs: number): Login {
  const access = randomBytes(48).toString('base64url');
  const refresh = randomBytes(48).toString('base64url');
  const entry = { type: 'oauth', provider: 'openai-codex', access, refresh, expires: Date.now() + lifeMs };
  const profiles = { [profile]: { ...entry, accountId: 'acct_1' } };
  return { access, text: `${JSON.stringify({ version: 1, profiles }, null, 2)}\n` };
}

export const deadLogin = (): Login => loginOf(-hour);
export const liveLogin = (): Login => loginOf(8 * hour);

/** Gives each of these agents a store of its own. */
export function makeStores(stateDir: string, agents: readonly string[], { text }: Login): readonly string[] {
  return agents.map(agent => {
    const folder = join(stateDir, 'agents', agent, 'agent');
    mkdirSync(folder, { recursive: true });
    const store = join(folder, 'auth-profiles.json');
    writeFileSync(store, text, { mode: 0o600 });
    return store;
  });
}

/** Agents that connect to a service the moment their store has a login that works, and note the use as OpenClaw does. */
export function startAgents(stores: readonly string[], connect: (store: string) => Promise<boolean>): () => void {
  const watchers: FSWatcher[] = [];
  for (const store of stores) {
    let isGone = false;
    const look = async () => {
      const entry = readEntry(store);
      if (isGone || !entry || Number(entry.expires) < Date.now()) return;
      isGone = true;
      while (!(await connect(store))) await wait(50);
      noteUse(store);
    };
    watchers.push(watch(join(store, '..'), () => void look()));
  }
  return () => {
    for (const watcher of watchers) watcher.close();
  };
}

function readEntry(store: string): { readonly expires: number } | undefined {
  try {
    return JSON.parse(readFileSync(store, 'utf8')).profiles[profile];
  } catch {
    return undefined;
  }
}

function noteUse(store: string): void {
  const document = JSON.parse(readFileSync(store, 'utf8'));
  save(store, `${JSON.stringify({ ...document, usageStats: { [profile]: { lastUsed: Date.now() } } }, null, 2)}\n`);
}
