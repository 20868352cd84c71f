import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Login, profileId, storeText } from './login.ts';

/** A host of the demo: a home of its own with OpenClaw's stores in it. */
export interface Host {
  readonly name: string;
  readonly home: string;
  readonly stateDir: string;
  /** Every agent's `auth-profiles.json`. */
  readonly stores: readonly string[];
}

/** What a store holds, as read from the file. */
export interface Held {
  readonly access: string;
  readonly refresh?: string | undefined;
  readonly expires: number;
  /** OpenClaw keeps its agent from this login until then. */
  readonly cooldownUntil?: number | undefined;
}

/** Makes a host with one store for each of `agents`, all with the same login. */
export async function createHost(
  folder: string,
  name: string,
  agents: number,
  login: Login,
  failedAt?: number | undefined,
): Promise<Host> {
  const home = join(folder, name);
  const stateDir = join(home, '.openclaw');
  const ids = Array.from({ length: agents }, (_, index) => (index === 0 ? 'main' : `agent-${index + 1}`));
  const stores: string[] = [];
  for (const id of ids) {
    const directory = join(stateDir, 'agents', id, 'agent');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const store = join(directory, 'auth-profiles.json');
    await writeFile(store, storeText(login, failedAt), { mode: 0o600 });
    stores.push(store);
  }
  return { name, home, stateDir, stores };
}

/** What OpenClaw does when it has refreshed: the new pair replaces the old one in its store. */
export async function renew({ stores }: Host, login: Login): Promise<void> {
  for (const store of stores) {
    await writeFile(`${store}.new`, storeText(login), { mode: 0o600 });
    await rename(`${store}.new`, store);
  }
}

/** What each store of the host holds now. */
export function readHost({ stores }: Host): Promise<readonly Held[]> {
  return Promise.all(stores.map(readStore));
}

async function readStore(store: string): Promise<Held> {
  const { profiles, usageStats } = JSON.parse(await readFile(store, 'utf8'));
  const { access, refresh, expires } = profiles[profileId];
  return { access, refresh, expires, cooldownUntil: usageStats?.[profileId]?.cooldownUntil };
}
