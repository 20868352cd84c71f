import { randomBytes } from 'node:crypto';
import { accountId, type FleetId, type ProfileId } from '@authmesh/shared/core/identifiers';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import { type DownMessage, downMessage } from '@authmesh/shared/protocol/down';
import { frameBytesMax, splitFrame } from '@authmesh/shared/protocol/frame';
import { type UpMessage, upMessage } from '@authmesh/shared/protocol/up';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAnnouncement, encodeAnnouncement } from './announcement-frame.ts';
import { fingerprintSecret } from './fingerprint.ts';
import { seal } from './secretbox.ts';
import { createSessionCodec, FrameTooLargeError, type SessionCodec } from './session-codec.ts';
import { createSigningKey, importPublicKey, nodeIdOf, type PublicKey, type SigningKey } from './signing.ts';

const node = createSigningKey();
const coordinator = createSigningKey();
const fleet = 'a'.repeat(32) as FleetId;

function publicOf({ publicKey }: SigningKey): PublicKey {
  const key = importPublicKey(publicKey);
  if (!key) throw new Error('the key of the test is not one');
  return key;
}

function pair(sessionId: Uint8Array = randomBytes(32)): {
  up: SessionCodec<UpMessage, DownMessage>;
  down: SessionCodec<DownMessage, UpMessage>;
} {
  const agent = { sessionId, ownKey: node, peerKey: publicOf(coordinator), incoming: downMessage };
  const server = { sessionId, ownKey: coordinator, peerKey: publicOf(node), incoming: upMessage };
  const broadcast = (frame: Parameters<typeof decodeAnnouncement>[0]) =>
    decodeAnnouncement(frame, fleet, publicOf(coordinator));
  return {
    up: createSessionCodec({ ...agent, sends: 'up', broadcast }),
    down: createSessionCodec({ ...server, sends: 'down' }),
  };
}

function beat(at: number): Extract<UpMessage, { type: 'beat' }> {
  return { type: 'beat', at };
}

function announcement(revision = 7): Announcement {
  const origin = nodeIdOf(node.publicKey);
  return {
    type: 'announce',
    account: accountId('oauth', 'openai', 'acct_1'),
    kind: 'oauth',
    profile: 'openai:default' as ProfileId,
    position: { epoch: 1, revision },
    generation: 2,
    access: fingerprintSecret(randomBytes(32), 'x'),
    expiresAt: null,
    origin,
    home: origin,
    restored: false,
    sealed: seal(randomBytes(100), randomBytes(32)),
  };
}

const outOfOrder = { kind: 'failure', reason: 'outOfOrder' };
const malformed = { kind: 'failure', reason: 'malformed' };

describe('a session', () => {
  it('carries any number of messages in order, however they are verified', async () => {
    const { up, down } = pair();
    const frames = Array.from({ length: 100 }, (_, at) => up.encode(beat(at)));
    const decoded = await Promise.all(frames.map(frame => down.decode(frame)));
    expect(decoded).toEqual(frames.map((_, at) => ({ kind: 'message', message: beat(at) })));
    expect(await up.decode(down.encode(beat(1)))).toEqual({ kind: 'message', message: beat(1) });
  });

  it('refuses a replayed frame and everything after it', async () => {
    const { up, down } = pair();
    const frame = up.encode(beat(1));
    expect(await down.decode(frame)).toMatchObject({ kind: 'message' });
    expect(await down.decode(frame)).toEqual(outOfOrder);
    expect(await down.decode(up.encode(beat(2)))).toEqual(outOfOrder);
  });

  it('refuses frames in another order and frames left out', async () => {
    const swapped = pair();
    const [first, second] = [swapped.up.encode(beat(1)), swapped.up.encode(beat(2))];
    expect(await Promise.all([swapped.down.decode(second), swapped.down.decode(first)])).toEqual([
      outOfOrder,
      outOfOrder,
    ]);
  });

  it('refuses the frames of another session, of the other direction and of another key', async () => {
    expect(await pair().down.decode(pair().up.encode(beat(1)))).toEqual(outOfOrder);
    const { down } = pair();
    expect(await down.decode(down.encode(beat(1)))).toEqual(outOfOrder);
    const sessionId = randomBytes(32);
    const stranger = createSessionCodec<UpMessage, DownMessage>({
      sessionId,
      ownKey: createSigningKey(),
      peerKey: publicOf(coordinator),
      sends: 'up',
      incoming: downMessage,
    });
    expect(await pair(sessionId).down.decode(stranger.encode(beat(1)))).toEqual(outOfOrder);
    // One key on both sides: the direction alone tells them apart.
    const mirror = { sessionId, ownKey: node, peerKey: publicOf(node), incoming: upMessage, sends: 'up' } as const;
    const echo = createSessionCodec<UpMessage, UpMessage>(mirror);
    expect(await echo.decode(echo.encode(beat(1)))).toEqual(outOfOrder);
  });

  it('refuses every flipped bit', async () => {
    const sessionId = randomBytes(32);
    const frame = pair(sessionId).up.encode(beat(1));
    for (let bit = 0; bit < frame.length * 8; bit += 3) {
      const bent = Uint8Array.from(frame);
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect((await pair(sessionId).down.decode(bent)).kind).toBe('failure');
    }
  });

  it('never throws and never takes garbage, truncated or extended frames', async () => {
    const sessionId = randomBytes(32);
    const frame = pair(sessionId).up.encode(beat(1));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(frame.length - 1), async (noise, cut) => {
        for (const bytes of [noise, frame.subarray(0, cut), Buffer.concat([frame, noise, Buffer.of(1)])]) {
          expect((await pair(sessionId).down.decode(bytes)).kind).toBe('failure');
          expect((await pair(sessionId).up.decode(bytes)).kind).toBe('failure');
        }
      }),
    );
  });

  it('refuses what is signed and is no message', async () => {
    const { up, down } = pair();
    const frame = up.encode({ type: 'beat', at: -1 });
    expect(await down.decode(frame)).toEqual(malformed);
  });

  it('makes and takes no frame over the limit, and uses no number for one', async () => {
    const { up, down } = pair();
    const known = Array.from({ length: 2_000 }, (_, index) => ({
      account: accountId('oauth', 'openai', `${index}${'x'.repeat(580)}`),
      position: { epoch: 1, revision: 1 },
      generation: 1,
    }));
    const huge: UpMessage = { type: 'inventory', observations: [], known, last: true };
    expect(() => up.encode(huge)).toThrow(FrameTooLargeError);
    expect(await down.decode(up.encode(beat(1)))).toMatchObject({ kind: 'message' });
    expect(await down.decode(new Uint8Array(frameBytesMax + 1))).toEqual({ kind: 'failure', reason: 'tooLarge' });
  });
});

describe('an announcement', () => {
  it('is one frame for every session', async () => {
    const message = announcement();
    const frame = encodeAnnouncement(message, fleet, coordinator);
    for (const { up } of [pair(), pair()]) {
      expect(await up.decode(frame)).toEqual({ kind: 'announcement', announcement: message });
      expect(await up.decode(frame)).toEqual({ kind: 'announcement', announcement: message });
    }
  });

  it('takes no number of the session', async () => {
    const { up, down } = pair();
    const frames = [down.encode(beat(1)), encodeAnnouncement(announcement(), fleet, coordinator), down.encode(beat(2))];
    const decoded = await Promise.all(frames.map(frame => up.decode(frame)));
    expect(decoded.map(({ kind }) => kind)).toEqual(['message', 'announcement', 'message']);
  });

  it('is refused with any flipped bit, for another fleet, by another key, and upwards', async () => {
    const message = announcement();
    const frame = encodeAnnouncement(message, fleet, coordinator);
    await fc.assert(
      fc.asyncProperty(fc.nat(frame.length * 8 - 1), async bit => {
        const bent = Uint8Array.from(frame);
        bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect((await pair().up.decode(bent)).kind).toBe('failure');
      }),
    );
    const elsewhere = encodeAnnouncement(message, 'b'.repeat(32) as FleetId, coordinator);
    expect(await pair().up.decode(elsewhere)).toEqual(malformed);
    expect(await pair().up.decode(encodeAnnouncement(message, fleet, node))).toEqual(malformed);
    expect(await pair().down.decode(encodeAnnouncement(message, fleet, node))).toEqual(malformed);
  });

  it('cannot be passed off as a session’s message, nor the other way round', async () => {
    const frame = encodeAnnouncement(announcement(), fleet, coordinator);
    frame[64] = 0x01;
    expect(await pair().up.decode(frame)).toEqual(outOfOrder);
    const { up, down } = pair();
    const message = Buffer.from(down.encode(beat(1)));
    message[64] = 0x02;
    expect(await up.decode(message)).toEqual(malformed);
    expect(splitFrame(Uint8Array.of(...new Uint8Array(64), 3))).toBeUndefined();
  });
});
