import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificate } from './certificate.ts';

/** Whatever a test needs on the other end of a socket; every connection ends with it. */
export interface Listening {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** A request as it came over the wire. */
export interface RawRequest {
  readonly head: string;
  readonly body: string;
}

export interface RawServer extends Listening {
  /** Whole requests, oldest first. */
  readonly requests: readonly RawRequest[];
}

/** What is done with a connection once a whole request was read from it. */
export type RawAnswer = (socket: Socket) => void;

/** Bytes on a socket, over TLS (or not: `certificate` is null): `answer` decides what comes back, and how it breaks. */
export async function startRawServer(certificate: Certificate | null, answer: RawAnswer): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const serve = (socket: Socket): void => {
    let read = '';
    socket.on('data', chunk => {
      read += chunk.toString('utf8');
      const end = read.indexOf('\r\n\r\n');
      const [head, body] = end < 0 ? [read] : [read.slice(0, end), read.slice(end + 4)];
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      if (body === undefined || Buffer.byteLength(body) < length) return;
      read = '';
      requests.push({ head, body });
      answer(socket);
    });
  };
  const server = certificate ? createTlsServer({ ...certificate }, serve) : createTcpServer(serve);
  return { ...(await listen(server)), requests };
}

/** Accepts connections and does something with them at once; nothing, if not said. */
export function startSilentServer(act: (socket: Socket) => void = () => undefined): Promise<Listening> {
  return listen(createTcpServer(act));
}

/** An HTTP proxy that tunnels, or (`refuseWith`) answers every CONNECT with a status. */
export async function startProxy(
  refuseWith?: number,
): Promise<Listening & { readonly url: string; readonly targets: readonly string[] }> {
  const targets: string[] = [];
  const server = createHttpServer();
  const outgoing = new Set<Socket>();
  server.on('connect', ({ url = '' }, client: Socket, rest: Buffer) => {
    targets.push(url);
    if (refuseWith !== undefined) {
      client.end(`HTTP/1.1 ${refuseWith} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const [host = '', port] = url.split(':');
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.write(rest);
      client.pipe(target).pipe(client);
    });
    outgoing.add(target);
    for (const [one, other] of [[client, target] as const, [target, client] as const])
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  const { port, stop } = await listen(server);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    targets,
    async stop() {
      for (const socket of outgoing) socket.destroy();
      await stop();
    },
  };
}

/** A port of loopback at which nobody listens. */
export async function freePort(): Promise<number> {
  const { port, stop } = await startSilentServer();
  await stop();
  return port;
}

/** An answer of HTTP/1.1 with its length. */
export function answerText(status: number, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} x\r\n${lines.join('')}\r\n${body}`;
}

async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => undefined));
  });
  // A client that turns away from a certificate is what some tests are about.
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket: Socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
