import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  accountId,
  type Fingerprint,
  type FleetId,
  type NodeId,
  type ProfileId,
  type Sealed,
} from '@authmesh/shared/core/identifiers';
import { decodeAnnouncement } from '@authmesh/shared/crypto/announcement-frame';
import { createSigningKey, importPublicKey } from '@authmesh/shared/crypto/signing';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import { splitFrame } from '@authmesh/shared/protocol/frame';
import { expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createSocketAcceptor, prepareFrame } from './peer-socket.ts';
import { createPreparedAnnouncements } from './prepared-announcements.ts';

const fleet = 'f'.repeat(32) as FleetId;
const origin = 'a'.repeat(32) as NodeId;

function announcement(subject: string, changes: Partial<Announcement> = {}): Announcement {
  return {
    type: 'announce',
    account: accountId('oauth', 'openai', subject),
    kind: 'oauth',
    profile: 'openai:default' as ProfileId,
    position: { epoch: 1, revision: 1 },
    generation: 1,
    access: 'b'.repeat(32) as Fingerprint,
    expiresAt: null,
    origin,
    home: origin,
    restored: false,
    sealed: 'AAAA' as Sealed,
    ...changes,
  };
}

/** What a websocket client makes of prepared bytes: one message each. */
async function receive(wires: readonly Buffer[]): Promise<readonly Buffer[]> {
  const accept = createSocketAcceptor();
  const nothing = () => undefined;
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    accept(request, socket, head, peer => {
      queueMicrotask(() => {
        for (const wire of wires) peer.sendPrepared(wire);
      });
      return { text: nothing, frame: nothing, pong: nothing, closed: nothing };
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const messages: Buffer[] = [];
  client.on('message', (data: Buffer) => messages.push(data));
  await vi.waitFor(() => expect(messages).toHaveLength(wires.length), 5_000);
  client.terminate();
  server.close();
  return messages;
}

it('frames messages of every length as a websocket reads them', async () => {
  const sent = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000].map(length => randomBytes(length));
  const received = await receive(sent.map(prepareFrame));
  expect(sent.map((bytes, index) => received[index]?.equals(bytes))).toEqual(sent.map(() => true));
});

it('signs an announcement once, and anew when any of it changes', async () => {
  const key = createSigningKey();
  const prepared = createPreparedAnnouncements(key, 1_000_000);
  const wire = prepared.wireFor(announcement('one'), fleet);
  expect(prepared.wireFor(announcement('one'), fleet)).toBe(wire);
  const changes: Partial<Announcement>[] = [
    { position: { epoch: 1, revision: 2 } },
    { position: { epoch: 2, revision: 1 } },
    { sealed: 'BBBB' as Sealed },
    { home: 'c'.repeat(32) as NodeId },
    { refresh: 'd'.repeat(32) as Fingerprint },
    { restored: true },
    { expiresAt: 5 },
    { generation: 2 },
  ];
  for (const change of changes) expect(prepared.wireFor(announcement('one', change), fleet)).not.toBe(wire);
  const [frame = Buffer.alloc(0)] = await receive([wire]);
  const parts = splitFrame(frame);
  const publicKey = importPublicKey(key.publicKey);
  expect(parts && publicKey && (await decodeAnnouncement(parts, fleet, publicKey))).toEqual(announcement('one'));
});

it('keeps no more than its bound, the oldest go first', () => {
  const prepared = createPreparedAnnouncements(createSigningKey(), 2_000);
  const first = prepared.wireFor(announcement('0'), fleet);
  for (let subject = 1; subject < 10; subject++) prepared.wireFor(announcement(`${subject}`), fleet);
  const last = prepared.wireFor(announcement('9'), fleet);
  expect(prepared.wireFor(announcement('9'), fleet)).toBe(last);
  expect(prepared.wireFor(announcement('0'), fleet)).not.toBe(first);
  expect(prepared.wireFor(announcement('0'), fleet).equals(first)).toBe(true);
});
