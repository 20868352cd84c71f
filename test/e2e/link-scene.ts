import { randomBytes } from 'node:crypto';
import type { NodeKeys } from '@authmesh/agent/io/enrollment';
import { type Link, type LinkOptions, openLink } from '@authmesh/agent/io/link';
import type { CoordinatorEvent, LinkId } from '@authmesh/coordinator/core/event';
import { type CoordinatorServer, createServer, type ServerOptions } from '@authmesh/coordinator/io/server';
import { accountId, type FleetId, type ProfileId } from '@authmesh/shared/core/identifiers';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import { createBoxKey } from '@authmesh/shared/crypto/box-key';
import { fingerprintSecret } from '@authmesh/shared/crypto/fingerprint';
import { createFleetSecrets, type FleetSecrets, sealFleetSecrets } from '@authmesh/shared/crypto/fleet-secrets';
import { createInviteSecret, deriveInviteKeys } from '@authmesh/shared/crypto/invite-keys';
import type { JoinCode } from '@authmesh/shared/crypto/join-code';
import { seal } from '@authmesh/shared/crypto/secretbox';
import { createSigningKey, nodeIdOf } from '@authmesh/shared/crypto/signing';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import type { DownMessage } from '@authmesh/shared/protocol/down';

type Overrides = Partial<Pick<ServerOptions, 'now' | 'halfOpen' | 'attestDeadlineMs' | 'bufferedBytesMax'>>;

export interface SceneOptions extends Overrides {
  /** The joiner founds the fleet and gets no secrets. */
  readonly founding?: boolean | undefined;
  readonly refuse?: { readonly reason: CloseReason; readonly message: string } | undefined;
}

/** What one agent's link was told. */
export interface Dialed {
  readonly link: Link;
  readonly opened: { clockOffsetMs: number; epoch: number; policy: ProfileFilter }[];
  readonly messages: DownMessage[];
  readonly announcements: Announcement[];
  /** `b<number>` for each sign of life, `r<revision>` for each announcement, as they came. */
  readonly order: string[];
  readonly closed: { reason: CloseReason | 'unreachable' | 'lost'; message: string; retryAfterMs?: number }[];
}

/** A real server whose core welcomes or refuses everybody. */
export interface Scene {
  readonly server: CoordinatorServer;
  readonly url: string;
  readonly fleet: FleetId;
  readonly secrets: FleetSecrets;
  readonly code: JoinCode;
  readonly events: readonly CoordinatorEvent[];
  readonly links: readonly LinkId[];
  readonly frames: readonly Extract<CoordinatorEvent, { type: 'frame-received' }>[];
  readonly closedLinks: readonly LinkId[];
  readonly probes: readonly boolean[];
  linkOptions(overrides?: Partial<LinkOptions>): LinkOptions;
  dial(overrides?: Partial<LinkOptions>): Dialed;
  close(): Promise<void>;
}

export function nodeKeys(): NodeKeys {
  return { signing: createSigningKey(), box: createBoxKey() };
}

export async function createScene({ founding, refuse, ...overrides }: SceneOptions = {}): Promise<Scene> {
  const key = createSigningKey();
  const founder = nodeIdOf(createSigningKey().publicKey);
  const fleet = String(founder) as FleetId;
  const secrets = createFleetSecrets();
  const { invite, secret } = createInviteSecret();
  const sealed = sealFleetSecrets(secrets, deriveInviteKeys(secret).boxKey);
  const events: CoordinatorEvent[] = [];
  const ok = () => ({ status: 200, body: 'ok\n' });

  const server = createServer(
    { host: '127.0.0.1', port: 0, key, now: Date.now, http: { live: ok, ready: ok, metrics: ok }, ...overrides },
    event => {
      events.push(event);
      if (event.type !== 'attested' && event.type !== 'enroll-proved') return;
      const { link } = event;
      if (refuse) return server.execute({ type: 'refuse', link, ...refuse });
      if (event.type === 'attested') {
        return server.execute({ type: 'welcome', link, fleet, epoch: 3, policy: { allow: ['*'], deny: [] } });
      }
      const { node, name } = event.enroll;
      const joined = founding === true ? (String(node) as FleetId) : fleet;
      server.execute({ type: 'admit', link, fleet: joined, name, sealed: founding === true ? null : sealed });
    },
  );
  const { host, port } = await server.listen();
  const url = `ws://${host}:${port}`;
  const dialed: Link[] = [];

  function linkOptions(changed: Partial<LinkOptions> = {}): LinkOptions {
    const own = { url, nodeKey: createSigningKey(), fleet, coordinatorKey: key.publicKey, version: '0.1.0', epoch: 0 };
    return { ...own, role: 'daemon', now: Date.now, ...changed };
  }

  return {
    server,
    url,
    fleet,
    secrets,
    code: { urls: [url], coordinatorKey: key.publicKey, invite, secret, founder },
    events,
    get links() {
      return events.flatMap(event => (event.type === 'attested' ? [event.link] : []));
    },
    get frames() {
      return events.filter(event => event.type === 'frame-received');
    },
    get closedLinks() {
      return events.flatMap(event => (event.type === 'link-closed' ? [event.link] : []));
    },
    get probes() {
      return events.flatMap(event => (event.type === 'link-probed' ? [event.alive] : []));
    },
    linkOptions,
    dial(changed) {
      const told: Omit<Dialed, 'link'> = { opened: [], messages: [], announcements: [], order: [], closed: [] };
      const link = openLink(linkOptions(changed), {
        opened: facts => told.opened.push(facts),
        message(message) {
          told.messages.push(message);
          if (message.type === 'beat') told.order.push(`b${message.at}`);
        },
        announcement(announcement) {
          told.announcements.push(announcement);
          told.order.push(`r${announcement.position.revision}`);
        },
        closed: (reason, message, retryAfterMs) =>
          told.closed.push(retryAfterMs === undefined ? { reason, message } : { reason, message, retryAfterMs }),
      });
      dialed.push(link);
      return { link, ...told };
    },
    async close() {
      for (const link of dialed) link.close();
      await server.close();
    },
  };
}

/** An announcement of a login made up on the spot, about as large as a real one. */
export function sampleAnnouncement(revision: number): Announcement {
  const origin = nodeIdOf(createSigningKey().publicKey);
  return {
    type: 'announce',
    account: accountId('oauth', 'openai', 'acct_1'),
    kind: 'oauth',
    profile: 'openai:default' as ProfileId,
    position: { epoch: 3, revision },
    generation: revision,
    access: fingerprintSecret(randomBytes(32), randomBytes(32).toString('hex')),
    expiresAt: 2_000_000_000_000,
    origin,
    home: origin,
    restored: false,
    sealed: seal(randomBytes(1_500), randomBytes(32)),
  };
}
