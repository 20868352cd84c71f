import { randomBytes } from 'node:crypto';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import { type Challenged, sessionIdOf, welcomeBytes } from '@authmesh/shared/crypto/handshake-bytes';
import { createSessionCodec } from '@authmesh/shared/crypto/session-codec';
import { createSigningKey, importPublicKey, signText } from '@authmesh/shared/crypto/signing';
import { type Attest, attest as attestSchema } from '@authmesh/shared/protocol/handshake';
import { type UpMessage, upMessage } from '@authmesh/shared/protocol/up';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Link, openLink } from './link.ts';

const fleet = 'f'.repeat(32) as FleetId;
const policy = { allow: ['*'], deny: [] };
const key = createSigningKey();
const servers: WebSocketServer[] = [];
const links: Link[] = [];

afterEach(() => {
  for (const link of links.splice(0)) link.close();
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

type Script = (socket: WebSocket, challenge: Challenged, attest: Attest) => void;

/** A coordinator of the test's making: `first` is its challenge, `answer` what it does about the proof. */
async function impostor(answer: Script, first: (challenge: Challenged) => unknown = facts => facts): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  servers.push(server);
  server.on('connection', socket => {
    const nonce = randomBytes(32).toString('base64');
    const challenge: Challenged = { protocol: 1, protocolMin: 1, nonce, publicKey: key.publicKey };
    const said = first(challenge);
    socket.send(typeof said === 'string' ? said : JSON.stringify({ type: 'challenge', ...(said as object) }));
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) answer(socket, challenge, attestSchema.parse(JSON.parse(data.toString())));
    });
  });
  await vi.waitFor(() => expect(server.address()).not.toBeNull());
  const address = server.address();
  return `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

function dial(url: string) {
  const told: string[] = [];
  let sentence = '';
  const link = openLink(
    {
      url,
      nodeKey: createSigningKey(),
      fleet,
      coordinatorKey: key.publicKey,
      role: 'daemon',
      version: '0.1.0',
      epoch: 0,
      now: Date.now,
      deadlineMs: 300,
    },
    {
      opened: () => told.push('opened'),
      message: message => told.push(message.type),
      announcement: () => told.push('announcement'),
      closed(reason, message) {
        told.push(reason);
        sentence = message;
      },
    },
  );
  links.push(link);
  return {
    link,
    told,
    sentence: () => sentence,
    ends: (...all: string[]) => vi.waitFor(() => expect(told).toEqual(all)),
  };
}

function welcomeFor(challenge: Challenged, attest: Attest, signer = key, changes: object = {}) {
  const facts = { fleet, at: Date.now(), epoch: 1, policy };
  return JSON.stringify({
    type: 'welcome',
    ...facts,
    signature: signText(signer, welcomeBytes(challenge, attest, facts)),
    ...changes,
  });
}

function codecFor(challenge: Challenged, attest: Attest) {
  const peerKey = importPublicKey(attest.publicKey);
  if (!peerKey) throw new Error('the node has no key');
  const sessionId = sessionIdOf(challenge, attest);
  return createSessionCodec<unknown, UpMessage>({
    sessionId,
    ownKey: key,
    peerKey,
    sends: 'down',
    incoming: upMessage,
  });
}

const nothing: Script = () => undefined;

describe('a link turns away from a coordinator that', () => {
  it('speaks no common protocol, and says who has to be upgraded', async () => {
    const newer = dial(await impostor(nothing, facts => ({ ...facts, protocol: 9, protocolMin: 8 })));
    await newer.ends('protocolVersion');
    expect(newer.sentence()).toContain('upgrade this agent');
    const older = dial(await impostor(nothing, facts => ({ ...facts, protocol: 0, protocolMin: 0 })));
    await older.ends('protocolVersion');
    expect(older.sentence()).toContain('upgrade the coordinator');
  });

  it('only names the pinned key', async () => {
    const forged = dial(await impostor((socket, c, a) => socket.send(welcomeFor(c, a, createSigningKey()))));
    await forged.ends('unauthenticated');
    expect(forged.sentence()).toContain('could not prove it');
  });

  it('repeats a welcome that it once overheard, or changes one', async () => {
    let overheard = '';
    const url = await impostor((socket, challenge, attest) => {
      overheard ||= welcomeFor(challenge, attest);
      socket.send(overheard);
    });
    await dial(url).ends('opened');
    await dial(url).ends('unauthenticated');
    const bent = dial(await impostor((socket, c, a) => socket.send(welcomeFor(c, a, key, { epoch: 9 }))));
    await bent.ends('unauthenticated');
  });

  it('speaks something else, or out of turn', async () => {
    await dial(await impostor(nothing, () => 'HELO')).ends('malformed');
    const early = await impostor(nothing, facts => ({ ...facts, type: 'welcome' }));
    await dial(early).ends('malformed');
    const framed = await impostor(socket => socket.send(randomBytes(80)));
    await dial(framed).ends('malformed');
  });

  it('falls silent after the proof', async () => {
    const silent = dial(await impostor(nothing));
    await silent.ends('unreachable');
    expect(silent.sentence()).toContain('did not finish the handshake within 0.3 s');
  });

  it('sends a forged, replayed or swapped frame once it is welcomed', async () => {
    const replaying = await impostor((socket, challenge, attest) => {
      socket.send(welcomeFor(challenge, attest));
      const frame = codecFor(challenge, attest).encode({ type: 'synced' });
      socket.send(frame);
      socket.send(frame);
    });
    await dial(replaying).ends('opened', 'synced', 'outOfOrder');
    const forging = await impostor((socket, challenge, attest) => {
      socket.send(welcomeFor(challenge, attest));
      const frame = Buffer.from(codecFor(challenge, attest).encode({ type: 'synced' }));
      frame.fill(1, 0, 64);
      socket.send(frame);
    });
    await dial(forging).ends('opened', 'outOfOrder');
  });

  it('sends more than a frame may hold', async () => {
    const url = await impostor((socket, challenge, attest) => {
      socket.send(welcomeFor(challenge, attest));
      socket.send(Buffer.alloc(1024 * 1024 + 1));
    });
    await dial(url).ends('opened', 'tooLarge');
  });
});

it('a link that was cut off without a word is lost', async () => {
  const url = await impostor((socket, challenge, attest) => {
    socket.send(welcomeFor(challenge, attest), () => socket.terminate());
  });
  const cut = dial(url);
  await cut.ends('opened', 'lost');
  cut.link.send({ type: 'beat', at: 1 });
  cut.link.close();
  expect(cut.told).toEqual(['opened', 'lost']);
});

it('a link that is closed while it dials tells nothing', async () => {
  const heard: string[] = [];
  const url = await impostor((_, __, attest) => heard.push(attest.role));
  const closed = dial(url);
  closed.link.close();
  await dial(url).ends('unreachable');
  expect([closed.told, heard]).toEqual([[], ['daemon']]);
});
