import type { AgentConfig } from '@authmesh/agent/core/config';
import { fleetKey, type InviteRecord, inviteKey, type NodeRecord, nodeKey } from '@authmesh/coordinator/core/record';
import {
  accountId,
  type FleetId,
  type InviteId,
  type NodeId,
  type ProfileId,
  type StoreId,
} from '@authmesh/shared/core/identifiers';
import { day, type Milliseconds, minute, second } from '@authmesh/shared/core/time';
import { simulatedVersion } from './connection.ts';
import { createHost, type Host } from './host.ts';
import type { Provider } from './issuer.ts';
import type { LoginSpec } from './operator.ts';
import type { Random } from './world/random.ts';
import { compareAndSet } from './world/records.ts';
import { hex128 } from './world/secret.ts';
import { genesis, type World } from './world/world.ts';

/** A login that many hosts share, and the profile id under which they keep it. */
export interface SharedLogin extends LoginSpec {
  readonly profile: ProfileId;
}

export const coordinatorUrl = 'wss://central';

export const plainConfig: AgentConfig = {
  coordinators: [coordinatorUrl],
  profiles: { allow: ['*'], deny: [] },
  create: [],
  apiKeys: false,
  custody: 'auto',
  refreshes: new Map(),
};

/** A host whose agent refreshes what it can, so that no store needs a refresh token. */
export const vaultConfig: AgentConfig = {
  ...plainConfig,
  refreshes: new Map(['openai', 'anthropic', 'xai'].map(name => [name, { rotates: true }])),
};

/** One whose stores are to hold refresh tokens as OpenClaw would have them, and whose agent refreshes them there. */
export const homeConfig: AgentConfig = { ...vaultConfig, custody: { 'google*': 'copy', '*': 'home' } };

const founder = nodeIdOf(0);
export const fleetId = founder as string as FleetId;
/** The code that made the fleet, and one that stays open for all who come later. */
export const invites = { founding: hex128(0x1f1f) as InviteId, open: hex128(0x2f2f) as InviteId };

export function nodeIdOf(index: number): NodeId {
  return hex128(0x10_0000 + index) as NodeId;
}

export function storeIdOf(agent: string): StoreId {
  return `/home/claw/.openclaw/agents/${agent}/agent/auth-profiles.json` as StoreId;
}

/** Adds a host to the world; it is no member yet. */
export function addHost(
  world: World,
  options: {
    readonly name: string;
    readonly agents: readonly string[];
    readonly latencyMs: Milliseconds;
    readonly skewMs: Milliseconds;
    readonly config?: AgentConfig | undefined;
  },
): Host {
  const index = world.hosts.length;
  const { name, latencyMs, skewMs, config = plainConfig } = options;
  const host = createHost({
    index,
    id: nodeIdOf(index),
    name,
    config: { ...config, layout: layoutOf(options.agents) },
    stores: options.agents.map(storeIdOf),
    latencyMs,
    skewMs,
  });
  world.hosts.push(host);
  world.hostsById.set(host.id, host);
  return host;
}

/** As the shell tells it of the folders that it finds: the others fall back to the main agent. */
function layoutOf(agents: readonly string[]): AgentConfig['layout'] {
  const main = agents.includes('main') ? storeIdOf('main') : undefined;
  return new Map(agents.map(storeIdOf).map(store => [store, { sessions: 1, fallback: main ?? store }]));
}

/** Makes a host a member before the coordinator's first start. */
export function enrol(world: World, host: Host): void {
  const { records } = world.central;
  const isFounder = host.id === founder;
  host.member = true;
  if (isFounder) {
    compareAndSet(records, fleetKey, 0, { epoch: 1 });
    for (const id of Object.values(invites)) compareAndSet(records, inviteKey(id), 0, inviteRecord(id));
  }
  const record: NodeRecord = {
    id: host.id,
    name: host.name,
    publicKey: host.name,
    boxKey: host.name,
    joinedAt: world.now,
    invite: isFounder ? invites.founding : invites.open,
    invitedBy: isFounder ? null : founder,
    inviteSignature: 'signed',
    version: simulatedVersion,
    lastSeen: null,
  };
  compareAndSet(records, nodeKey(host.id), 0, record);
}

function inviteRecord(id: InviteId): InviteRecord {
  const isFounding = id === invites.founding;
  return {
    id,
    publicKey: 'invite',
    uses: 10_000,
    expiresAt: null,
    createdBy: isFounding ? null : founder,
    createdAt: genesis,
    sealed: null,
    signature: null,
  };
}

/** The providers that field notes know, with lives short enough that a run sees many renewals. */
export function drawProvider(random: Random): Provider {
  const accessLifeMs = random.between(4, 20) * minute;
  return random.pick<Provider>([
    { name: 'openai-codex', rotates: true, datesTokens: true, accessLifeMs },
    { name: 'anthropic', rotates: true, datesTokens: false, accessLifeMs },
    { name: 'xai', rotates: true, datesTokens: false, accessLifeMs },
    { name: 'google-gemini-cli', rotates: false, datesTokens: false, accessLifeMs },
  ]);
}

/** The logins of a fleet; some say no more of their owner than a profile's name. */
export function drawLogins(random: Random, count: number): SharedLogin[] {
  return Array.from({ length: count }, (_, index) => {
    const provider = drawProvider(random);
    const named = random.chance(0.1);
    const profile = `${provider.name}:${named ? `work-${index}` : `owner-${index}@example.com`}` as ProfileId;
    const subject = named ? profile : `acct_${index}`;
    return {
      account: accountId('oauth', provider.name, subject),
      identity: named ? 'profile' : 'account',
      provider,
      profile,
    };
  });
}

/** How far a host's clock is off: mostly a little, sometimes up to a day. */
export function drawSkew(random: Random, wide: boolean): Milliseconds {
  if (wide && random.chance(0.15)) return random.between(-day, day);
  return random.between(-2 * second, 2 * second);
}
