import { connect, type Socket } from 'node:net';
import { retryAfterHeader } from '@authmesh/shared/protocol/close-codes';

/*
 * The cheapest client there is: a socket that takes whole frames out of what it gets. Thousands of them share the
 * machine with the server that is measured, so what they cost themselves has to be little and the same for all servers.
 */

export interface RawClientEvents {
  /** The socket may be written to; over websockets the upgrade is done. */
  opened(): void;
  text(text: string): void;
  /** A binary frame, which may be a view of a buffer that is used again. */
  frame(bytes: Buffer): void;
  /** `retryAfterMs`: when a server that had no room said to come again. */
  closed(retryAfterMs?: number): void;
}

export interface RawClient {
  readonly socket: Socket;
  sendText(text: string): void;
  sendFrame(bytes: Uint8Array): void;
}

/** Opens a websocket by hand, or with `tcp://` a plain socket whose server writes websocket frames without an upgrade. */
export function openRawClient(url: URL, events: RawClientEvents): RawClient {
  const isPlain = url.protocol === 'tcp:';
  let rest: Buffer | undefined;
  let isOpen = isPlain;
  let retryAfterMs: number | undefined;
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true }, () => {
    if (isPlain) return events.opened();
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
  });
  socket.on('error', () => undefined);
  socket.on('close', () => events.closed(retryAfterMs));
  socket.on('data', chunk => {
    let bytes = rest ? Buffer.concat([rest, chunk]) : chunk;
    rest = undefined;
    if (!isOpen) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) {
        rest = bytes;
        return;
      }
      if (!bytes.toString('latin1', 0, 12).endsWith('101')) {
        const said = new RegExp(`^${retryAfterHeader}: (\\d+)`, 'm').exec(bytes.toString('latin1', 0, end));
        retryAfterMs = said ? Number(said[1]) : undefined;
        socket.destroy();
        return;
      }
      isOpen = true;
      bytes = bytes.subarray(end + 4);
      events.opened();
    }
    for (;;) {
      const frame = frameAt(bytes);
      if (!frame) break;
      if (frame.opcode === 2) events.frame(frame.payload);
      else if (frame.opcode === 1) events.text(frame.payload.toString('utf8'));
      bytes = bytes.subarray(frame.end);
    }
    if (bytes.length > 0) rest = Buffer.from(bytes);
  });
  return {
    socket,
    sendText: text => void socket.write(clientFrame(1, Buffer.from(text))),
    sendFrame: bytes => void socket.write(clientFrame(2, bytes)),
  };
}

function frameAt(
  bytes: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly end: number } | undefined {
  if (bytes.length < 2) return undefined;
  const opcode = (bytes[0] ?? 0) & 0x0f;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = start + length;
  return bytes.length < end ? undefined : { opcode, payload: bytes.subarray(start, end), end };
}

/** RFC 6455 wants a mask of clients; all zero is one, and costs nothing. */
function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const frame = Buffer.alloc(head + length);
  frame[0] = 0x80 | opcode;
  if (head === 6) frame[1] = 0x80 | length;
  else if (head === 8) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(payload, head);
  return frame;
}
