import type { Announcement } from '@authmesh/shared/protocol/announcement';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import { type FrameParts, frameBytesMax, frameDomains, splitFrame } from '@authmesh/shared/protocol/frame';
import type { z } from 'zod';
import { parseJson } from './json-text.ts';
import { signatureBytes } from './key-text.ts';
import { type PublicKey, type SigningKey, sign, verify } from './signing.ts';

/** `up`: from a node to the coordinator. */
export type Direction = 'up' | 'down';

export interface SessionOptions<Incoming> {
  readonly sessionId: Uint8Array;
  readonly ownKey: SigningKey;
  readonly peerKey: PublicKey;
  /** The direction of what this side sends. */
  readonly sends: Direction;
  /** What this side takes. */
  readonly incoming: z.ZodType<Incoming>;
  /** Reads broadcast frames; a side that takes none has none. */
  readonly broadcast?: ((frame: FrameParts) => Promise<Announcement | undefined>) | undefined;
}

export type Decoded<Incoming> =
  | { readonly kind: 'message'; readonly message: Incoming }
  | { readonly kind: 'announcement'; readonly announcement: Announcement }
  | { readonly kind: 'failure'; readonly reason: CloseReason };

/** One side of an authenticated conversation: numbers, signs, verifies, and keeps the order. */
export interface SessionCodec<Outgoing, Incoming> {
  /** The next frame; throws a `FrameTooLargeError` and uses no number when the message does not fit one. */
  encode(message: Outgoing): Uint8Array;
  /**
   * What a frame says, in the order of the calls. After the first failure every later frame fails the same way:
   * the link has to be closed. Never rejects.
   */
  decode(frame: Uint8Array): Promise<Decoded<Incoming>>;
}

/** A message of this side's own making that no frame can carry: a bound was missed where it was made. */
export class FrameTooLargeError extends Error {
  readonly bytes: number;
  constructor(bytes: number) {
    super(`a message of ${bytes} bytes does not fit a frame of ${frameBytesMax} bytes`);
    this.name = 'FrameTooLargeError';
    this.bytes = bytes;
  }
}

const domainTag = Buffer.from('authmesh session frame 1\0');
const directionBytes = { up: 0x75, down: 0x64 } as const satisfies Record<Direction, number>;

/** What a session frame's signature covers: domain tag, session, direction, sequence number (8 bytes), payload. */
function signedBytes(session: Uint8Array, direction: Direction, sequence: number, payload: Uint8Array): Uint8Array {
  const number = Buffer.alloc(9);
  number[0] = directionBytes[direction];
  number.writeBigUInt64BE(BigInt(sequence), 1);
  return Buffer.concat([domainTag, session, number, payload]);
}

/** The codec of a session whose handshake is done; both directions start at number 0. */
export function createSessionCodec<Outgoing, Incoming>(
  options: SessionOptions<Incoming>,
): SessionCodec<Outgoing, Incoming> {
  const { sessionId, ownKey, peerKey, sends, incoming, broadcast } = options;
  const receives: Direction = sends === 'up' ? 'down' : 'up';
  let sent = 0;
  let received = 0;
  let broken: CloseReason | undefined;
  let latest: Promise<unknown> = Promise.resolve();

  async function readSession({ payload, json, signature }: FrameParts): Promise<Decoded<Incoming>> {
    const valid = await verify(peerKey, signedBytes(sessionId, receives, received++, payload), signature);
    // A replayed or reordered frame, one of another session and a forged one look the same: the number is not theirs.
    if (!valid) return { kind: 'failure', reason: 'outOfOrder' };
    const parsed = incoming.safeParse(parseJson(json));
    return parsed.success ? { kind: 'message', message: parsed.data } : { kind: 'failure', reason: 'malformed' };
  }

  async function readBroadcast(frame: FrameParts): Promise<Decoded<Incoming>> {
    if (!broadcast) return { kind: 'failure', reason: 'malformed' };
    const announcement = await broadcast(frame);
    return announcement ? { kind: 'announcement', announcement } : { kind: 'failure', reason: 'malformed' };
  }

  async function read(frame: Uint8Array): Promise<Decoded<Incoming>> {
    if (frame.length > frameBytesMax) return { kind: 'failure', reason: 'tooLarge' };
    const parts = splitFrame(frame);
    if (!parts) return { kind: 'failure', reason: 'malformed' };
    return parts.domain === 'session' ? readSession(parts) : readBroadcast(parts);
  }

  async function inTurn(before: Promise<unknown>, reading: Promise<Decoded<Incoming>>): Promise<Decoded<Incoming>> {
    await before;
    const decoded = await reading;
    if (broken !== undefined) return { kind: 'failure', reason: broken };
    if (decoded.kind === 'failure') broken = decoded.reason;
    return decoded;
  }

  return {
    encode(message) {
      const json = Buffer.from(JSON.stringify(message), 'utf8');
      const bytes = signatureBytes + 1 + json.length;
      if (bytes > frameBytesMax) throw new FrameTooLargeError(bytes);
      const payload = Buffer.concat([Buffer.of(frameDomains.session), json]);
      return Buffer.concat([sign(ownKey, signedBytes(sessionId, sends, sent++, payload)), payload]);
    },
    decode(frame) {
      if (broken !== undefined) return Promise.resolve({ kind: 'failure', reason: broken });
      const turn = inTurn(latest, read(frame));
      latest = turn;
      return turn;
    },
  };
}
