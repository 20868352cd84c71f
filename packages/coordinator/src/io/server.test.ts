import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { CoordinatorEvent } from '@authmesh/coordinator/core/event';
import type { FleetId, NodeId } from '@authmesh/shared/core/identifiers';
import { attestBytes, type Challenged, enrollBytes, sessionIdOf } from '@authmesh/shared/crypto/handshake-bytes';
import { createSessionCodec } from '@authmesh/shared/crypto/session-codec';
import {
  createSigningKey,
  importPublicKey,
  nodeIdOf,
  type SigningKey,
  signText,
} from '@authmesh/shared/crypto/signing';
import { closeReasonOf } from '@authmesh/shared/protocol/close-codes';
import { downMessage } from '@authmesh/shared/protocol/down';
import { strangerBytesMax } from '@authmesh/shared/protocol/frame';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type CoordinatorServer, createServer, type ServerOptions } from './server.ts';

const fleet = 'f'.repeat(32) as FleetId;
const policy = { allow: ['*'], deny: [] };
const running: CoordinatorServer[] = [];
const peers: WebSocket[] = [];

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.terminate();
  for (const server of running.splice(0)) await server.close();
});

/** A server that welcomes every node that proves itself, unless told to leave that to the test. */
async function start(options: Partial<ServerOptions> = {}, welcomes = true) {
  const key = createSigningKey();
  const events: CoordinatorEvent[] = [];
  const ok = () => ({ status: 200, body: 'ok\n' });
  const server = createServer(
    { host: '127.0.0.1', port: 0, key, now: Date.now, http: { live: ok, ready: ok, metrics: ok }, ...options },
    event => {
      events.push(event);
      if (!welcomes || event.type !== 'attested') return;
      server.execute({ type: 'welcome', link: event.link, fleet, epoch: 1, policy });
    },
  );
  running.push(server);
  const { port } = await server.listen();
  return { server, key, events, port, url: `ws://127.0.0.1:${port}` };
}

/** A peer that speaks the protocol by hand, and so can break it. */
function dial(url: string) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  peers.push(socket);
  const texts: Record<string, unknown>[] = [];
  const frames: Buffer[] = [];
  const ends: (string | number | undefined)[] = [];
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) frames.push(data);
    else texts.push(JSON.parse(data.toString()));
  });
  socket.on('unexpected-response', (_, response) => ends.push(response.statusCode));
  socket.on('error', () => undefined);
  socket.on('close', code => {
    if (ends.length === 0) ends.push(closeReasonOf(code) ?? code);
  });
  return {
    socket,
    texts,
    frames,
    ends,
    async challenge(): Promise<Challenged> {
      await vi.waitFor(() => expect(texts.length).toBeGreaterThan(0));
      return texts[0] as unknown as Challenged;
    },
    say: (message: unknown) => socket.send(JSON.stringify(message)),
    ended: (reason: string | number) => vi.waitFor(() => expect(ends).toEqual([reason]), 5_000),
  };
}

function attestFor(challenge: Challenged, key: SigningKey, changes: Record<string, unknown> = {}) {
  const facts = {
    protocol: 1,
    serverNonce: challenge.nonce,
    nonce: randomBytes(32).toString('base64'),
    node: nodeIdOf(key.publicKey),
    publicKey: key.publicKey,
    fleet,
    role: 'daemon' as const,
    version: '0.1.0',
    at: 1,
    epoch: 0,
    ...changes,
  };
  return { type: 'attest', ...facts, signature: signText(key, attestBytes(challenge, facts)) };
}

/** A peer that was welcomed, with the codec of its session. */
async function member(url: string) {
  const peer = dial(url);
  const challenge = await peer.challenge();
  const ownKey = createSigningKey();
  const attest = attestFor(challenge, ownKey);
  peer.say(attest);
  await vi.waitFor(() => expect(peer.texts[1]?.type).toBe('welcome'));
  const peerKey = importPublicKey(challenge.publicKey);
  if (!peerKey) throw new Error('the coordinator has no key');
  const sessionId = sessionIdOf(challenge, attest);
  const codec = createSessionCodec<UpMessage, unknown>({
    sessionId,
    ownKey,
    peerKey,
    sends: 'up',
    incoming: downMessage,
  });
  return { ...peer, codec };
}

describe('before a peer is known, the server', () => {
  it('mentions a node that proves its key, and one that does not never', async () => {
    const { url, events } = await start();
    await member(url);
    expect(events).toMatchObject([{ type: 'attested', attest: { fleet, role: 'daemon' } }]);
    expect(JSON.stringify(events)).not.toContain('signature');
    const liar = dial(url);
    const challenge = await liar.challenge();
    liar.say({ ...attestFor(challenge, createSigningKey()), at: 2 });
    await liar.ended('unauthenticated');
    expect(liar.texts[1]).toMatchObject({ type: 'refused', code: 'unauthenticated' });
    const borrower = dial(url);
    borrower.say(attestFor(await borrower.challenge(), createSigningKey(), { node: 'a'.repeat(32) as NodeId }));
    await borrower.ended('unauthenticated');
    expect(events).toHaveLength(1);
  });

  it('refuses a proof that was made for another connection', async () => {
    const { url, events } = await start();
    const [first, second] = [dial(url), dial(url)];
    const key = createSigningKey();
    const recorded = attestFor(await first.challenge(), key);
    await second.challenge();
    second.say(recorded);
    await second.ended('outOfOrder');
    second.say(recorded);
    const third = dial(url);
    const challenge = await third.challenge();
    third.say({ ...recorded, serverNonce: challenge.nonce });
    await third.ended('unauthenticated');
    expect(events).toEqual([]);
  });

  it('refuses an enrolment that the invite’s key did not sign', async () => {
    const { url, events } = await start();
    const peer = dial(url);
    const challenge = await peer.challenge();
    const [key, invite] = [createSigningKey(), createSigningKey()];
    const { type: _, signature: __, fleet: ___, role: ____, epoch: _____, ...common } = attestFor(challenge, key);
    const facts = {
      ...common,
      invite: 'b'.repeat(32) as never,
      inviteKey: invite.publicKey,
      boxKey: createSigningKey().publicKey,
      name: 'pc-a',
      inviteSignature: signText(key, randomBytes(8)),
    };
    peer.say({ type: 'enroll', ...facts, signature: signText(key, enrollBytes(challenge, facts)) });
    await peer.ended('unauthenticated');
    expect(peer.texts[1]?.message).toContain('join code');
    expect(events).toEqual([]);
  });

  it('says which side has to be upgraded', async () => {
    const { url } = await start();
    for (const [protocol, words] of [
      [2, 'upgrade the coordinator first'],
      [0, 'upgrade the agent'],
    ] as const) {
      const peer = dial(url);
      await peer.challenge();
      // A later protocol's message may be of another form altogether.
      peer.say({ type: 'hail', protocol });
      await peer.ended('protocolVersion');
      expect(peer.texts[1]?.message).toContain(words);
    }
  });

  it('waits no longer than the deadline', async () => {
    const { url, server } = await start({ attestDeadlineMs: 50 });
    await dial(url).ended('attestTimeout');
    expect(server.counters()).toMatchObject({ links: 0, halfOpen: 0, closedTotal: { attestTimeout: 1 } });
  });

  it('lets a core that does not answer keep nobody waiting for ever', async () => {
    const { url, events } = await start({ attestDeadlineMs: 200 }, false);
    const peer = dial(url);
    peer.say(attestFor(await peer.challenge(), createSigningKey()));
    await peer.ended('attestTimeout');
    await vi.waitFor(() => expect(events.map(event => event.type)).toEqual(['attested', 'link-closed']));
  });

  it('takes 16 KiB in all and no more, in one piece or in many', async () => {
    const { url } = await start();
    const [large, many, pinging, huge] = [dial(url), dial(url), dial(url), dial(url)];
    await Promise.all([large, many, pinging, huge].map(peer => peer.challenge()));
    large.socket.send('x'.repeat(strangerBytesMax + 1));
    await large.ended('tooLarge');
    for (let piece = 0; piece < 300; piece++) many.socket.send('x'.repeat(100), { fin: piece === 299 });
    await many.ended('tooLarge');
    for (let piece = 0; piece < 300; piece++) pinging.socket.ping('x'.repeat(100));
    // `ws` itself gives up on a peer that has too many answers to pings outstanding.
    await vi.waitFor(() => expect(pinging.ends).toHaveLength(1), 5_000);
    huge.socket.send(Buffer.alloc(2 * 1024 * 1024));
    await vi.waitFor(() => expect(huge.ends).toHaveLength(1), 5_000);
  });

  it('takes no frame, no garbage and no second proof', async () => {
    const { url } = await start({}, false);
    const [early, garbage, twice] = [dial(url), dial(url), dial(url)];
    await Promise.all([early, garbage].map(peer => peer.challenge()));
    early.socket.send(randomBytes(100));
    await early.ended('malformed');
    garbage.socket.send('{"type":');
    await garbage.ended('malformed');
    const proof = attestFor(await twice.challenge(), createSigningKey());
    twice.say(proof);
    twice.say(proof);
    await twice.ended('malformed');
  });

  it('turns a connection away when too many have proved nothing, and takes the next when there is room', async () => {
    const { url, server } = await start({ halfOpen: { total: 2, perAddress: 1 } });
    const [first, second] = [dial(url), dial(url)];
    await Promise.all([first.challenge(), second.challenge()]);
    await dial(url).ended(429);
    expect(server.counters()).toMatchObject({ halfOpen: 2, turnedAwayTotal: 1 });
    first.socket.terminate();
    await vi.waitFor(() => expect(server.counters().halfOpen).toBe(1));
    await member(url);
    expect(server.counters()).toMatchObject({ halfOpen: 1, links: 2 });
  });

  it('counts a connection that never says a word, too', async () => {
    const { port, url, server } = await start({ halfOpen: { total: 1, perAddress: 1 } });
    const silent = connect(port, '127.0.0.1');
    await vi.waitFor(() => expect(server.counters().halfOpen).toBe(1));
    await dial(url).ended(429);
    silent.destroy();
    await vi.waitFor(() => expect(server.counters().halfOpen).toBe(0));
  });
});

it('hangs up on whoever was turned away and does not', async () => {
  const { port, server } = await start({ halfOpen: { total: 1, perAddress: 1 } });
  const silent = connect(port, '127.0.0.1');
  await vi.waitFor(() => expect(server.counters().halfOpen).toBe(1));
  const stubborn = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let isClosed = false;
  stubborn
    .on('error', () => undefined)
    .on('close', () => {
      isClosed = true;
    });
  stubborn.resume();
  const writing = setInterval(() => stubborn.write('x'), 100);
  await vi.waitFor(() => expect(isClosed).toBe(true), { timeout: 10_000 });
  clearInterval(writing);
  silent.destroy();
});

describe('with a member, the server', () => {
  it('refuses a replayed frame and tells the core once that the link is gone', async () => {
    const { url, events } = await start();
    const peer = await member(url);
    const frame = peer.codec.encode({ type: 'beat', at: 1 });
    peer.socket.send(frame);
    peer.socket.send(frame);
    await peer.ended('outOfOrder');
    await vi.waitFor(() =>
      expect(events.map(event => event.type)).toEqual(['attested', 'frame-received', 'link-closed']),
    );
  });

  it('refuses unsigned frames, frames of another session and text', async () => {
    const { url } = await start();
    const [unsigned, other, talker, victim] = await Promise.all([member(url), member(url), member(url), member(url)]);
    const frame = Buffer.from(unsigned.codec.encode({ type: 'beat', at: 1 }));
    frame.fill(0, 0, 64);
    unsigned.socket.send(frame);
    await unsigned.ended('outOfOrder');
    victim.socket.send(other.codec.encode({ type: 'beat', at: 1 }));
    await victim.ended('outOfOrder');
    talker.say({ type: 'beat', at: 1 });
    await talker.ended('malformed');
    other.socket.send(Buffer.alloc(1024 * 1024 + 1));
    await other.ended(1009);
  });

  it('takes the limit of strangers away', async () => {
    const { url, events } = await start();
    const peer = await member(url);
    for (let at = 0; at < 300; at++) peer.socket.send(peer.codec.encode({ type: 'beat', at }));
    await vi.waitFor(() => expect(events).toHaveLength(301));
  });

  it('cuts off one that does not read, and goes on with the others', async () => {
    const { url, server, events } = await start({ bufferedBytesMax: 256 * 1024 });
    const [slow, quick] = await Promise.all([member(url), member(url)]);
    const links = events.flatMap(event => (event.type === 'attested' ? [event.link] : []));
    slow.socket.pause();
    const message = 'x'.repeat(400);
    const judgement = { store: `/${'s'.repeat(4_000)}`, profile: 'p', verdict: 'stale', why: message } as never;
    await vi.waitFor(() => {
      for (const link of links) {
        server.execute({ type: 'send', link, message: { type: 'judgements', judgements: Array(20).fill(judgement) } });
      }
      expect(server.counters().closedTotal.slowReader).toBe(1);
    }, 15_000);
    expect(events.filter(event => event.type === 'link-closed')).toHaveLength(1);
    expect(quick.ends).toEqual([]);
    await vi.waitFor(() => expect(quick.frames.length).toBe(server.counters().messagesSentTotal / 2), 15_000);
  });

  /** Parts of an overview, 100 KiB each, as the core gives them out: all in one step. */
  function tellOverview(server: CoordinatorServer, parts: number) {
    const [text, id] = ['x'.repeat(100 * 1024), 'a'.repeat(32) as NodeId];
    const node = { id, online: true, lastSeen: null, joinedAt: 0, invitedBy: null, version: '1', name: text };
    for (let part = 1; part <= parts; part++) {
      const body = { nodes: [node], accounts: [], pools: [], drift: [], at: part, last: part === parts };
      const message = { type: 'answer', request: 1, body: { type: 'overview', ...body } } as const;
      server.execute({ type: 'send', link: 1, message });
    }
  }

  it('does not cut off for an answer in many parts: each follows when the one before has gone', async () => {
    const { url, server } = await start({ bufferedBytesMax: 256 * 1024 });
    const peer = await member(url);
    peer.socket.pause();
    tellOverview(server, 150);
    // What the core says meanwhile overtakes the answer.
    server.execute({ type: 'send', link: 1, message: { type: 'synced' } });
    peer.socket.resume();
    await vi.waitFor(() => expect(peer.frames).toHaveLength(151), 10_000);
    expect(peer.ends).toEqual([]);
    const texts = peer.frames.map(frame => frame.subarray(65).toString('utf8'));
    const parts = texts.flatMap(text => /"at":(\d+)/.exec(text)?.[1] ?? []);
    expect(parts).toEqual(Array.from({ length: 150 }, (_, index) => `${index + 1}`));
    expect(texts.findIndex(text => text.includes('synced'))).toBeLessThan(150);
  });

  it('cuts off one that asks and never reads', async () => {
    const { url, server } = await start({ bufferedBytesMax: 256 * 1024 });
    const peer = await member(url);
    peer.socket.pause();
    tellOverview(server, 2_000);
    await vi.waitFor(() => expect(server.counters().closedTotal.slowReader).toBe(1));
  });

  it('says that an answer is too large instead of sending it', async () => {
    const { url, server } = await start();
    const peer = await member(url);
    const node = {
      id: 'a'.repeat(32),
      name: 'n',
      online: true,
      lastSeen: 1,
      joinedAt: 1,
      invitedBy: null,
      version: '1',
    };
    const nodes = Array(10_000).fill(node) as never;
    server.execute({
      type: 'send',
      link: 1,
      message: {
        type: 'answer',
        request: 4,
        body: { type: 'overview', nodes, accounts: [], pools: [], drift: [], at: 1, last: true },
      },
    });
    await vi.waitFor(() => expect(peer.frames).toHaveLength(1));
    const [frame = Buffer.alloc(0)] = peer.frames;
    expect(await peer.codec.decode(frame)).toMatchObject({
      message: { type: 'answer', request: 4, body: { type: 'problem', code: 'too-large' } },
    });
  });

  it('finds a peer dead that does not answer a probe in time', async () => {
    const { url, server, events } = await start({ probeDeadlineMs: 50 });
    const peer = await member(url);
    peer.socket.pause();
    server.execute({ type: 'probe', link: 1 });
    await vi.waitFor(() => expect(events.at(-1)).toEqual({ type: 'link-probed', link: 1, alive: false }));
    peer.socket.resume();
    server.execute({ type: 'probe', link: 1 });
    await vi.waitFor(() => expect(events.at(-1)).toEqual({ type: 'link-probed', link: 1, alive: true }));
  });

  it('ignores effects for links that are gone', async () => {
    const { server } = await start();
    server.execute({ type: 'send', link: 9, message: { type: 'synced' } });
    server.execute({ type: 'close-link', link: 9, reason: 'replaced' });
    server.execute({ type: 'refuse', link: 9, reason: 'refused', message: 'no' });
    server.execute({ type: 'welcome', link: 9, fleet, epoch: 1, policy });
    expect(server.counters().links).toBe(0);
  });
});

describe('the port', () => {
  it('answers HTTP', async () => {
    const failing = () => Promise.reject(new Error('no'));
    const unready = () => ({ status: 503, body: 'the store does not accept writes\n' });
    const { port } = await start({
      http: { live: () => ({ status: 200, body: 'ok\n' }), ready: unready, metrics: failing },
    });
    const base = `http://127.0.0.1:${port}`;
    const statuses = await Promise.all(
      ['/live', '/ready', '/metrics', '/live?a=b', '//', '/other'].map(async path => (await fetch(base + path)).status),
    );
    expect(statuses).toEqual([200, 503, 500, 200, 404, 404]);
    expect((await fetch(`${base}/live`, { method: 'POST' })).status).toBe(405);
    expect(await (await fetch(`${base}/ready`)).text()).toContain('store');
  });

  it('that is taken is named with what to do', async () => {
    const { port } = await start();
    const second = createServer(
      { host: '127.0.0.1', port, key: createSigningKey(), now: Date.now, http: { live: ok, ready: ok, metrics: ok } },
      () => undefined,
    );
    await expect(second.listen()).rejects.toMatchObject({
      code: 'ERR_ADDRESS_IN_USE',
      message: expect.stringContaining(`${port}`),
    });
  });

  it('says draining to every link and is free again', async () => {
    const { server, url, events } = await start();
    const peer = await member(url);
    const stranger = dial(url);
    await stranger.challenge();
    await server.close();
    await Promise.all([peer.ended('draining'), stranger.ended('draining')]);
    await dial(url).ended(1006);
    expect(events.map(event => event.type)).toEqual(['attested', 'link-closed']);
  });
});

function ok() {
  return { status: 200, body: 'ok\n' };
}
