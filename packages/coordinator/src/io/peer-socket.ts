import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type CloseReason, closeCodes } from '@authmesh/shared/protocol/close-codes';
import { frameBytesMax } from '@authmesh/shared/protocol/frame';
import { WebSocketServer } from 'ws';

/** How long a peer gets to answer our close before its connection is cut, in milliseconds. */
const closeTimeoutMs = 2_000;
/** Longest reason that RFC 6455 §5.5 lets a close frame carry is 123 bytes. */
const closeReasonCharsMax = 120;

export interface PeerSocketEvents {
  text(text: string): void;
  frame(bytes: Uint8Array): void;
  pong(): void;
  /** Once, after which nothing follows. */
  closed(): void;
}

/** One accepted websocket, as far as the rest of the coordinator sees it. */
export interface PeerSocket {
  sendText(text: string): void;
  /** Sends the bytes as one binary message; `sent` is told when they have left this process, if they ever do. */
  sendFrame(bytes: Uint8Array, sent?: () => void): void;
  /** Writes a message that `prepareFrame` has framed already; the same buffer serves any number of sockets. */
  sendPrepared(wire: Uint8Array): void;
  /** Bytes that wait because the peer does not read. */
  bufferedBytes(): number;
  /** Calls `exceeded` as soon as the peer has sent more than `bytes` from now on, until the returned function is called. */
  limitInput(bytes: number, exceeded: () => void): () => void;
  ping(): void;
  pause(): void;
  resume(): void;
  /** Says why and ends; a peer that does not answer is cut off. */
  close(reason: CloseReason | 'done'): void;
  /** Ends at once. */
  cut(): void;
}

/** Turns upgrade requests into sockets. */
export type SocketAcceptor = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  accepted: (socket: PeerSocket) => PeerSocketEvents,
) => void;

/** An acceptor without compression: records are sealed, and compressed states would cost memory per agent. */
export function createSocketAcceptor(): SocketAcceptor {
  // The types of `ws` don't know `closeTimeout` yet, hence not a literal in the call.
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: frameBytesMax,
    closeTimeout: closeTimeoutMs,
  };
  const server = new WebSocketServer(settings);
  return (request, socket, head, accepted) => {
    const { socket: connection } = request;
    const gather = gatherWrites(connection);
    connection.setNoDelay(true);
    gather();
    server.handleUpgrade(request, socket, head, websocket => {
      const isOpen = () => websocket.readyState === websocket.OPEN;
      const events = accepted({
        sendText(text) {
          if (isOpen()) websocket.send(text);
        },
        sendFrame(bytes, sent) {
          if (!isOpen()) return;
          gather();
          websocket.send(bytes, sent && (error => !error && sent()));
        },
        sendPrepared(wire) {
          // Without compression `ws` writes each message at once and whole, so ours falls between two of them.
          if (isOpen()) connection.write(wire);
        },
        bufferedBytes: () => connection.writableLength,
        limitInput(bytes, exceeded) {
          const start = connection.bytesRead;
          const look = () => {
            if (connection.bytesRead - start > bytes) exceeded();
          };
          connection.on('data', look);
          return () => connection.off('data', look);
        },
        ping() {
          if (isOpen()) websocket.ping();
        },
        pause: () => websocket.pause(),
        resume: () => websocket.resume(),
        close(reason) {
          if (reason === 'done') websocket.close(1000);
          else websocket.close(closeCodes[reason].code, closeCodes[reason].meaning.slice(0, closeReasonCharsMax));
        },
        cut: () => websocket.terminate(),
      });
      websocket.on('message', (data, isBinary) => {
        const bytes = bytesOf(data);
        if (isBinary) events.frame(bytes);
        else events.text(bytes.toString('utf8'));
      });
      websocket.on('pong', () => events.pong());
      // `close` follows every error; a frame that is too large or broken is answered with its own code by `ws`.
      websocket.on('error', () => undefined);
      websocket.on('close', () => events.closed());
    });
  };
}

/** What is written to a socket in one turn, from the call on, leaves in one piece: each is a call into the kernel. */
function gatherWrites(connection: Duplex): () => void {
  let isGathering = false;
  return () => {
    if (isGathering) return;
    isGathering = true;
    connection.cork();
    process.nextTick(() => {
      isGathering = false;
      connection.uncork();
    });
  };
}

function bytesOf(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** A binary message as it stands on the wire from a server: RFC 6455 §5.2, final, not masked. */
export function prepareFrame(bytes: Uint8Array): Buffer {
  const { length } = bytes;
  const headBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const wire = Buffer.alloc(headBytes + length);
  wire[0] = 0x82;
  if (headBytes === 2) wire[1] = length;
  else if (headBytes === 4) {
    wire[1] = 126;
    wire.writeUInt16BE(length, 2);
  } else {
    wire[1] = 127;
    wire.writeBigUInt64BE(BigInt(length), 2);
  }
  wire.set(bytes, headBytes);
  return wire;
}
