import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OAuthServer, startOAuthServer } from '../oauth/server.ts';
import { until } from './harness/condition.ts';
import type { Host } from './harness/host.ts';
import type { Entry, Owner } from './harness/login.ts';
import type { Fleet, Stage } from './harness/stage.ts';

/** The daemon that a test may end at any step. */
const crashing = fileURLToPath(new URL('./crash/agent-entry.ts', import.meta.url));

/** A fleet whose logins are refreshed at an OAuth server of the test's own. */
export interface RefreshScene {
  readonly fleet: Fleet;
  readonly server: OAuthServer;
  readonly hosts: readonly Host[];
  /** Signs the owner in on the first host, as OpenClaw would; the others get what they can use. */
  readonly signIn: (owner: Owner, on?: Host) => Promise<void>;
  /** A host that refreshes nothing by itself until it is told where. */
  readonly addHost: (name: string, fields?: object) => Promise<Host>;
  readonly stop: () => Promise<void>;
}

export const provider = 'acme';

/** Starts server, coordinator and hosts; access tokens live that long. */
export async function startRefreshScene(
  stage: Stage,
  { lifeSeconds, names, custody = 'auto' }: { lifeSeconds: number; names: readonly string[]; custody?: string },
): Promise<RefreshScene> {
  const fleet = await stage.fleet();
  const server = await startOAuthServer({ folder: fleet.folder, lifeSeconds });
  const { tokenEndpoint, clientId, caFile } = server;

  async function addHost(name: string, fields: object = {}): Promise<Host> {
    const host = fleet.host(name, {
      command: [process.execPath, crashing],
      environment: { NODE_EXTRA_CA_CERTS: caFile },
    });
    await fleet.join(host);
    host.configure({ custody, providers: { [provider]: { tokenEndpoint, clientId } }, ...fields });
    await host.start('--log-level', 'debug');
    await host.online();
    return host;
  }

  const hosts: Host[] = [];
  for (const name of names) hosts.push(await addHost(name));
  return {
    fleet,
    server,
    hosts,
    addHost,
    async signIn(owner, on) {
      const [first] = hosts;
      const host = on ?? first;
      if (!host) throw new Error('there is no host to sign in on');
      host.store().put(owner.profile, await entryOf(server, owner));
      await host.accountIs(owner, account => account?.state !== undefined && account.revision !== null);
      for (const other of hosts) {
        if (other === host || other.store().entry(owner.profile)) continue;
        const { refresh: _, ...bearer } = host.store().entry(owner.profile) ?? {};
        other.store().put(owner.profile, bearer);
      }
    },
    stop: async () => {
      await fleet.stop();
      await server.stop();
    },
  };
}

/** Whether a file of what OpenClaw can read on a host holds these bytes. */
export function holdsBytes(host: Host, bytes: string): boolean {
  return readdirSync(host.stateDir, { recursive: true, encoding: 'utf8' })
    .map(name => join(host.stateDir, name))
    .some(path => isIn(path, bytes));
}

function isIn(path: string, bytes: string): boolean {
  try {
    return statSync(path).isFile() && readFileSync(path, 'latin1').includes(bytes);
  } catch (error) {
    // Locks come and go.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** What a sign-in writes into a store. */
export async function entryOf(server: OAuthServer, { account }: Owner): Promise<Entry> {
  const { access, refresh, expiresAt } = await server.issue(account);
  return { type: 'oauth', provider, access, refresh, expires: expiresAt, accountId: account };
}

/** The access token that a store has. */
export function accessIn(host: Host, owner: Owner): string {
  return String(host.store().entry(owner.profile)?.access);
}

/** Waits until every host has a login that works, newer than `before`. */
export async function renewedOn(
  server: OAuthServer,
  hosts: readonly Host[],
  owner: Owner,
  before: string,
  timeoutMs?: number,
): Promise<void> {
  const isRenewed = () =>
    hosts.every(host => {
      const access = accessIn(host, owner);
      return access !== before && server.isAccessGood(access);
    });
  await until(`${owner.profile} is renewed everywhere`, isRenewed, timeoutMs);
}
