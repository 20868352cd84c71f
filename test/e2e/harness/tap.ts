import { connect, createServer, type Socket } from 'node:net';

/** A relay that keeps a copy of all that passes, and can be cut. */
export interface Tap {
  /** Where it listens: a TCP port of the loopback interface, or 0 for a socket file. */
  readonly port: number;
  /** All that one side sent, one buffer a connection. */
  sent(from: 'client' | 'server'): readonly Buffer[];
  /** Nothing passes any more, and nobody is told; what was sent meanwhile passes when it is mended. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

type Place = { readonly port: number; readonly host: '127.0.0.1' } | { readonly path: string };

/** Listens at `at` and passes everything on to `to`, and back. */
export async function openTap(at: Place, to: Place): Promise<Tap> {
  const copies: Record<'client' | 'server', Buffer[][]> = { client: [], server: [] };
  const sockets = new Set<Socket>();
  let isCut = false;
  const relay = (from: Socket, into: Socket, side: 'client' | 'server') => {
    const pieces: Buffer[] = [];
    copies[side].push(pieces);
    sockets.add(from);
    if (isCut) from.pause();
    from.on('data', piece => {
      pieces.push(piece);
      into.write(piece);
    });
    from.on('end', () => into.end());
    from.on('error', () => into.destroy());
    from.on('close', () => {
      sockets.delete(from);
      into.destroy();
    });
  };
  const server = createServer({ allowHalfOpen: true }, client => {
    const peer = connect({ ...to, allowHalfOpen: true });
    relay(client, peer, 'client');
    relay(peer, client, 'server');
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(at, resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    sent: from => copies[from].map(pieces => Buffer.concat(pieces)),
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    mend() {
      isCut = false;
      for (const socket of sockets) socket.resume();
    },
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The payloads of a WebSocket stream without the mask that a client lays over its own (RFC 6455 §5.2, §5.3). */
export function payloads(stream: Buffer): Buffer {
  const found: Buffer[] = [];
  let at = stream.indexOf('\r\n\r\n') + 4;
  while (at >= 4 && at + 2 <= stream.length) {
    const second = stream.readUInt8(at + 1);
    let length = second & 0x7f;
    at += 2;
    if (length === 126) {
      length = stream.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(stream.readBigUInt64BE(at));
      at += 8;
    }
    const isMasked = (second & 0x80) !== 0;
    const mask = isMasked ? stream.subarray(at, at + 4) : undefined;
    at += isMasked ? 4 : 0;
    const payload = Buffer.from(stream.subarray(at, at + length));
    if (mask)
      for (let index = 0; index < payload.length; index++)
        payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
    found.push(payload, Buffer.from('\n'));
    at += length;
  }
  return Buffer.concat(found);
}
