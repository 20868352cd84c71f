import type { IncomingMessage } from 'node:http';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { type CloseReason, closeCodes, closeReasonOf, retryAfterHeader } from '@authmesh/shared/protocol/close-codes';
import { frameBytesMax } from '@authmesh/shared/protocol/frame';
import { WebSocket } from 'ws';

/** How long the coordinator gets to answer our close before the connection is cut, in milliseconds. */
const closeTimeoutMs = 2_000;

/** How a socket ended. */
export interface SocketEnd {
  /** What the close code, the HTTP status or the size of a frame says; undefined when nothing was said. */
  readonly reason?: CloseReason | undefined;
  /** In words: what the other side said, or what the network did. */
  readonly words: string;
  /** When a connection that was turned away may come again, if that was said. */
  readonly retryAfterMs?: Milliseconds | undefined;
}

export interface CoordinatorSocketEvents {
  connected(): void;
  text(text: string): void;
  frame(bytes: Uint8Array): void;
  /** Once, after which nothing follows; never from within `dialSocket`. */
  closed(end: SocketEnd): void;
}

/** The agent's end of a websocket. */
export interface CoordinatorSocket {
  sendText(text: string): void;
  sendFrame(bytes: Uint8Array): void;
  /** Bytes that wait because the coordinator does not read. */
  bufferedBytes(): number;
  pause(): void;
  resume(): void;
  close(reason: CloseReason | 'done'): void;
}

/** Opens a websocket to a `ws://` or `wss://` address. */
export function dialSocket(url: string, events: CoordinatorSocketEvents): CoordinatorSocket {
  // The types of `ws` don't know `closeTimeout` yet, hence not a literal in the call.
  const settings = { perMessageDeflate: false, maxPayload: frameBytesMax, closeTimeout: closeTimeoutMs };
  if (!URL.canParse(url) || !/^wss?:/i.test(url)) return deadSocket(events);
  const websocket = new WebSocket(url, settings);
  const isOpen = () => websocket.readyState === WebSocket.OPEN;
  let end: SocketEnd | undefined;

  websocket.on('open', () => events.connected());
  websocket.on('message', (data, isBinary) => {
    const bytes = bytesOf(data);
    if (isBinary) events.frame(bytes);
    else events.text(bytes.toString('utf8'));
  });
  websocket.on('unexpected-response', (_request, response) => {
    end = endOfStatus(response);
    // Whoever listens for this event has to end the attempt; nothing else would.
    websocket.terminate();
  });
  websocket.on('error', error => {
    end ??= endOfError(error);
  });
  websocket.on('close', code => events.closed(end ?? endOfCode(code)));

  return {
    sendText(text) {
      if (isOpen()) websocket.send(text);
    },
    sendFrame(bytes) {
      if (isOpen()) websocket.send(bytes);
    },
    bufferedBytes: () => websocket.bufferedAmount,
    pause: () => websocket.pause(),
    resume: () => websocket.resume(),
    close(reason) {
      if (!isOpen()) websocket.terminate();
      else if (reason === 'done') websocket.close(1000);
      else websocket.close(closeCodes[reason].code);
    },
  };
}

/** What an address that no socket can be opened to gives. */
function deadSocket(events: CoordinatorSocketEvents): CoordinatorSocket {
  queueMicrotask(() => events.closed({ words: 'this is not an address of the form ws://HOST:PORT or wss://HOST' }));
  const nothing = () => undefined;
  return {
    sendText: nothing,
    sendFrame: nothing,
    bufferedBytes: () => 0,
    pause: nothing,
    resume: nothing,
    close: nothing,
  };
}

function bytesOf(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** What RFC 6455's own codes mean here: too large a message, a broken one. */
const standardReasons: Readonly<Record<number, CloseReason>> = {
  1002: 'malformed',
  1007: 'malformed',
  1009: 'tooLarge',
};

function endOfCode(code: number): SocketEnd {
  const reason = closeReasonOf(code) ?? standardReasons[code];
  if (reason) return { reason, words: closeCodes[reason].meaning };
  return { words: code === 1006 || code === 1005 ? 'the connection broke off' : `it closed the connection (${code})` };
}

function endOfStatus({ statusCode = 0, headers }: IncomingMessage): SocketEnd {
  const said = headers[retryAfterHeader];
  const retryAfterMs = typeof said === 'string' && /^\d{1,6}$/.test(said) ? Number(said) : undefined;
  if (statusCode === 429) return { reason: 'tooManyPeers', words: closeCodes.tooManyPeers.meaning, retryAfterMs };
  if (statusCode === 503) return { reason: 'draining', words: closeCodes.draining.meaning, retryAfterMs };
  return { words: `it answers with HTTP ${statusCode} instead of a websocket` };
}

const networkWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke off',
  EPIPE: 'the connection broke off',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no network',
};

function endOfError(error: Error): SocketEnd {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return endOfCode(1009);
  if (code.startsWith('WS_ERR_')) return endOfCode(1002);
  return { words: networkWords[code] ?? (code || error.message) };
}
