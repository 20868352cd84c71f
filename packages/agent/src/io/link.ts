import { randomBytes } from 'node:crypto';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import type { ProfileFilter } from '@authmesh/shared/core/patterns';
import { type Instant, type Milliseconds, second } from '@authmesh/shared/core/time';
import { decodeAnnouncement } from '@authmesh/shared/crypto/announcement-frame';
import { attestBytes, type Challenged, sessionIdOf, welcomeBytes } from '@authmesh/shared/crypto/handshake-bytes';
import { textOfBytes } from '@authmesh/shared/crypto/key-text';
import { createSessionCodec, type SessionCodec } from '@authmesh/shared/crypto/session-codec';
import { importPublicKey, nodeIdOf, type SigningKey, signText, verifyTextNow } from '@authmesh/shared/crypto/signing';
import type { Announcement } from '@authmesh/shared/protocol/announcement';
import { type CloseReason, closeCodes } from '@authmesh/shared/protocol/close-codes';
import { type DownMessage, downMessage } from '@authmesh/shared/protocol/down';
import type { Attest, Welcome } from '@authmesh/shared/protocol/handshake';
import { protocolVersion } from '@authmesh/shared/protocol/limits';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import { type IntroductionEnd, introduce } from './introduction.ts';

export interface LinkOptions {
  readonly url: string;
  readonly nodeKey: SigningKey;
  readonly fleet: FleetId;
  /** Base64, pinned from the join code. */
  readonly coordinatorKey: string;
  /** `daemon`: the node's one link. `command`: comes and goes beside it, and gets no announcements. */
  readonly role: Attest['role'];
  /** Of this program. */
  readonly version: string;
  /** Highest coordinator epoch that this node has seen. */
  readonly epoch: number;
  readonly now: () => Instant;
  /** Default 5 s to connect, and 5 s for the handshake. */
  readonly deadlineMs?: Milliseconds | undefined;
}

/** What a link tells. After `closed` nothing follows, and nothing at all after the caller's own `close`. */
export interface LinkHandlers {
  opened(facts: {
    /** This host's clock minus the coordinator's. */
    readonly clockOffsetMs: Milliseconds;
    readonly epoch: number;
    readonly policy: ProfileFilter;
  }): void;
  message(message: DownMessage): void;
  /** Verified; its sealed record and its place in the order are for the caller to judge. */
  announcement(announcement: Announcement): void;
  /** Once; `message` is a sentence for the operator. Never called from within `openLink`. */
  closed(reason: CloseReason | 'unreachable' | 'lost', message: string, retryAfterMs?: Milliseconds): void;
}

export interface Link {
  /**
   * Signs and sends; before `opened` and after the end it does nothing.
   * Throws a `FrameTooLargeError` when no frame can carry the message.
   */
  send(message: UpMessage): void;
  close(): void;
}

/** Received bytes that may wait for their signatures to be checked, before reading pauses. */
const unverifiedBytesMax = 8 * 1024 * 1024;
/** Unread bytes above which a coordinator that does not read is given up. */
const unsentBytesMax = 16 * 1024 * 1024;

/** Connects to the coordinator, proves this node's key, has the coordinator prove its own, and carries messages. */
export function openLink(options: LinkOptions, handlers: LinkHandlers): Link {
  const { url, nodeKey, fleet, coordinatorKey, role, version, epoch, now } = options;
  let codec: SessionCodec<UpMessage, DownMessage> | undefined;
  let attest: Attest | undefined;
  let ended = false;
  let unverifiedBytes = 0;
  /** The latest frame's way to the handlers. */
  let received: Promise<void> = Promise.resolve();

  const introduction = introduce(
    { url, coordinatorKey, deadlineMs: options.deadlineMs ?? 5 * second, prove },
    {
      answered(reply, challenge) {
        if (reply.type === 'welcome' && attest) welcomed(reply, attest, challenge);
        else fail('malformed', `the coordinator at ${url} answered a member as if it were new`);
      },
      frame(bytes) {
        if (codec) received = receive(bytes, codec);
      },
      ended: end => void tellEnd(end),
    },
  );

  function prove(challenge: Challenged): Attest {
    const facts = {
      protocol: Math.min(protocolVersion, challenge.protocol),
      serverNonce: challenge.nonce,
      nonce: textOfBytes(randomBytes(32)),
      node: nodeIdOf(nodeKey.publicKey),
      publicKey: nodeKey.publicKey,
      fleet,
      role,
      version,
      at: now(),
      epoch,
    };
    attest = { type: 'attest', ...facts, signature: signText(nodeKey, attestBytes(challenge, facts)) };
    return attest;
  }

  function fail(reason: CloseReason, message: string): void {
    introduction.end(reason, message);
  }

  /** What the coordinator said last is told first: a `drain` comes right before the end. */
  async function tellEnd({ reason, message, retryAfterMs }: IntroductionEnd): Promise<void> {
    await received;
    if (ended) return;
    ended = true;
    handlers.closed(reason, message, retryAfterMs);
  }

  function welcomed(welcome: Welcome, own: Attest, challenge: Challenged): void {
    const peerKey = importPublicKey(coordinatorKey);
    const bytes = welcomeBytes(challenge, own, welcome);
    if (!peerKey || !verifyTextNow(coordinatorKey, bytes, welcome.signature)) {
      return fail('unauthenticated', `what answers at ${url} names the coordinator's key and could not prove it`);
    }
    if (welcome.fleet !== fleet) {
      return fail(
        'unauthenticated',
        `the coordinator at ${url} serves fleet ${welcome.fleet}, this node is of ${fleet}`,
      );
    }
    codec = createSessionCodec({
      sessionId: sessionIdOf(challenge, own),
      ownKey: nodeKey,
      peerKey,
      sends: 'up',
      incoming: downMessage,
      broadcast: frame => decodeAnnouncement(frame, fleet, peerKey),
    });
    handlers.opened({ clockOffsetMs: now() - welcome.at, epoch: welcome.epoch, policy: welcome.policy });
  }

  async function receive(bytes: Uint8Array, session: SessionCodec<UpMessage, DownMessage>): Promise<void> {
    unverifiedBytes += bytes.length;
    if (unverifiedBytes > unverifiedBytesMax) introduction.socket.pause();
    const decoded = await session.decode(bytes);
    const waited = unverifiedBytes > unverifiedBytesMax;
    unverifiedBytes -= bytes.length;
    if (ended) return;
    if (waited && unverifiedBytes <= unverifiedBytesMax) introduction.socket.resume();
    if (decoded.kind === 'message') handlers.message(decoded.message);
    else if (decoded.kind === 'announcement') handlers.announcement(decoded.announcement);
    else fail(decoded.reason, `the coordinator at ${url} was given up: ${closeCodes[decoded.reason].meaning}`);
  }

  return {
    send(message) {
      if (!codec || ended) return;
      introduction.socket.sendFrame(codec.encode(message));
      if (introduction.socket.bufferedBytes() > unsentBytesMax) {
        fail('slowReader', `the coordinator at ${url} does not read what this node sends`);
      }
    },
    close() {
      if (ended) return;
      ended = true;
      introduction.end('done');
    },
  };
}
