import { randomBytes } from 'node:crypto';
import { admittedBytes, type Challenged, sessionIdOf, welcomeBytes } from '@authmesh/shared/crypto/handshake-bytes';
import { textOfBytes } from '@authmesh/shared/crypto/key-text';
import { createSessionCodec, type SessionCodec } from '@authmesh/shared/crypto/session-codec';
import { importPublicKey, type SigningKey, signText } from '@authmesh/shared/crypto/signing';
import type { CloseReason } from '@authmesh/shared/protocol/close-codes';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import { strangerBytesMax } from '@authmesh/shared/protocol/frame';
import type { Attest, Enroll, HandshakeDown } from '@authmesh/shared/protocol/handshake';
import { protocolVersion, protocolVersionMin, sentenceCharsMax } from '@authmesh/shared/protocol/limits';
import { type UpMessage, upMessage } from '@authmesh/shared/protocol/up';
import { createAnswerQueue } from './answer-queue.ts';
import type { Connection, ConnectionEvents } from './connection-port.ts';
import { downFrame } from './down-frame.ts';
import type { PeerSocket } from './peer-socket.ts';
import { readProof } from './proof.ts';

/** Received bytes that may wait for their signatures to be checked, before reading from the peer pauses. */
const unverifiedBytesMax = 2 * 1024 * 1024;

export interface ConnectionOptions {
  readonly key: SigningKey;
  /** Milliseconds to prove oneself and be answered. */
  readonly attestDeadlineMs: number;
  /** Milliseconds for the answer to a probe. */
  readonly probeDeadlineMs: number;
  /** Unread bytes above which a peer is cut off. */
  readonly bufferedBytesMax: number;
}

type Phase = 'challenged' | 'proving' | 'proved' | 'welcomed' | 'ended';

export function createConnection(socket: PeerSocket, options: ConnectionOptions, events: ConnectionEvents): Connection {
  const { key } = options;
  const challenge: Challenged = {
    protocol: protocolVersion,
    protocolMin: protocolVersionMin,
    nonce: textOfBytes(randomBytes(32)),
    publicKey: key.publicKey,
  };
  let phase: Phase = 'challenged';
  let prover: Attest | Enroll | undefined;
  let isDaemon = false;
  let codec: SessionCodec<DownMessage, UpMessage> | undefined;
  let unverifiedBytes = 0;
  /** The latest frame's way to the core. */
  let received: Promise<void> = Promise.resolve();
  let answerProbe: ((alive: boolean) => void) | undefined;
  const answers = createAnswerQueue(transmit);

  const deadline = setTimeout(() => end('attestTimeout'), options.attestDeadlineMs);
  const liftInputLimit = socket.limitInput(strangerBytesMax, () => end('tooLarge'));
  say({ type: 'challenge', ...challenge });

  function say(message: HandshakeDown): void {
    socket.sendText(JSON.stringify(message));
  }

  function settle(): void {
    clearTimeout(deadline);
    liftInputLimit();
    events.settled();
  }

  /** The one way out: by our own decision (`reason`, or `done`), or because the peer is gone (undefined). */
  function end(reason: CloseReason | 'done' | undefined): void {
    if (phase === 'ended') return;
    const proved = phase === 'proved' || phase === 'welcomed';
    phase = 'ended';
    settle();
    answerProbe?.(false);
    answers.clear();
    codec = undefined;
    if (reason !== undefined) socket.close(reason);
    events.ended({ proved, reason: reason === 'done' ? undefined : reason });
  }

  function refuse(reason: CloseReason, message: string): void {
    if (phase === 'ended') return;
    if (phase !== 'welcomed') say({ type: 'refused', code: reason, message: message.slice(0, sentenceCharsMax) });
    end(reason);
  }

  async function prove(text: string): Promise<void> {
    phase = 'proving';
    const proof = await readProof(text, challenge);
    if (phase !== 'proving') return;
    if (proof.kind === 'failure') return refuse(proof.reason, proof.message);
    phase = 'proved';
    if (proof.kind === 'attest') {
      prover = proof.attest;
      events.attested(proof.attest);
    } else {
      prover = proof.enroll;
      events.enrollProved(proof.enroll);
    }
  }

  async function receive(bytes: Uint8Array, session: SessionCodec<DownMessage, UpMessage>): Promise<void> {
    unverifiedBytes += bytes.length;
    if (unverifiedBytes > unverifiedBytesMax) socket.pause();
    const decoded = await session.decode(bytes);
    const waited = unverifiedBytes > unverifiedBytesMax;
    unverifiedBytes -= bytes.length;
    if (phase !== 'welcomed') return;
    if (waited && unverifiedBytes <= unverifiedBytesMax) socket.resume();
    if (decoded.kind === 'message') events.received(decoded.message, bytes.length);
    else end(decoded.kind === 'failure' ? decoded.reason : 'malformed');
  }

  /** Whether the peer reads fast enough; one that does not is cut off and resyncs when it comes back. */
  function keepsUp(): boolean {
    if (socket.bufferedBytes() <= options.bufferedBytesMax) return true;
    end('slowReader');
    return false;
  }

  function transmit(message: DownMessage, sent?: () => void): void {
    if (!codec || !keepsUp()) return;
    const frame = downFrame(message, codec);
    if (frame) socket.sendFrame(frame, sent);
    else end('tooLarge');
  }

  return {
    events: {
      text(text) {
        if (phase === 'ended') return;
        if (text.length > strangerBytesMax) end('tooLarge');
        else if (phase === 'challenged') void prove(text);
        else end('malformed');
      },
      frame(bytes) {
        if (phase === 'ended') return;
        if (codec) received = receive(bytes, codec);
        else end('malformed');
      },
      pong: () => answerProbe?.(true),
      // What the peer said last is told before its end.
      closed: () => void received.then(() => end(undefined)),
    },
    takesBroadcasts: () => phase === 'welcomed' && isDaemon,
    welcome(facts) {
      const peerKey = prover?.type === 'attest' ? importPublicKey(prover.publicKey) : undefined;
      if (phase !== 'proved' || !prover || !peerKey) return;
      say({ type: 'welcome', ...facts, signature: signText(key, welcomeBytes(challenge, prover, facts)) });
      const sessionId = sessionIdOf(challenge, prover);
      codec = createSessionCodec({ sessionId, ownKey: key, peerKey, sends: 'down', incoming: upMessage });
      isDaemon = prover.type === 'attest' && prover.role === 'daemon';
      // Thousands of links stay open for days: none keeps its handshake.
      prover = undefined;
      phase = 'welcomed';
      settle();
    },
    admit(facts) {
      if (phase !== 'proved' || prover?.type !== 'enroll') return;
      say({ type: 'admitted', ...facts, signature: signText(key, admittedBytes(challenge, prover, facts)) });
      end('done');
    },
    refuse,
    close: end,
    probe(answered) {
      if (phase === 'ended') return answered(false);
      const previous = answerProbe;
      const answer = (alive: boolean) => {
        clearTimeout(timer);
        answerProbe = undefined;
        previous?.(alive);
        answered(alive);
      };
      const timer = setTimeout(answer, options.probeDeadlineMs, false);
      answerProbe = answer;
      socket.ping();
    },
    send(message) {
      if (message.type !== 'answer') transmit(message);
      else if (codec && !answers.push(message)) end('slowReader');
    },
    sendPrepared(wire) {
      if (phase !== 'welcomed' || !keepsUp()) return false;
      socket.sendPrepared(wire);
      return true;
    },
  };
}
