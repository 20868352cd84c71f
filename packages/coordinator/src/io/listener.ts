import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { AuthmeshError, systemErrorCode } from '@authmesh/shared/node/errors';
import { answerHttp, type HttpEndpoints, turnAway } from './http-answers.ts';

/** Not by `import`: that reads every export of the module, and its lazy `WebSocket` loads an HTTP client of 14 MB. */
const { createServer } = process.getBuiltinModule('node:http');

/** Connections that the kernel keeps ready: a whole fleet may return within one turn of the event loop. */
const backlog = 4_096;
/** Milliseconds for a request's head to arrive, and how often that is looked at. */
const headDeadlineMs = 5_000;
const headBytesMax = 8 * 1024;

/** The port: plain HTTP answers, and upgrade requests for whoever makes links of them. */
export interface Listener {
  /** Where it listens, with the port that was picked for port 0. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** Takes no more connections; resolves when the port is free. */
  close(): Promise<void>;
}

export interface ListenerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly http: HttpEndpoints;
  /** Lets a connection in that has proved nothing; where there is no room: in how many milliseconds it may come again. */
  readonly admit: (socket: Socket) => Milliseconds | undefined;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export function createListener({ host, port, http, admit, upgrade }: ListenerOptions): Listener {
  let closing = false;
  const server = createServer(
    {
      maxHeaderSize: headBytesMax,
      headersTimeout: headDeadlineMs,
      requestTimeout: headDeadlineMs,
      connectionsCheckingInterval: 1_000,
      noDelay: true,
    },
    (request, response) => void answerHttp(http, request, response),
  );
  const turnedAway = new WeakSet<Duplex>();
  server.on('connection', socket => {
    const retryAfterMs = admit(socket);
    if (retryAfterMs === undefined) return;
    turnedAway.add(socket);
    turnAway(socket, 'tooManyPeers', retryAfterMs);
  });
  server.on('upgrade', (request, socket, head) => {
    if (turnedAway.has(socket)) socket.resume();
    else if (closing) turnAway(socket, 'draining', second);
    else upgrade(request, socket, head);
  });
  return {
    async listen() {
      await bind(server, host, port);
      const address = server.address() as AddressInfo;
      return { host, port: address.port };
    },
    close() {
      closing = true;
      return new Promise(resolve => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
    },
  };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(listenError(error, host, port));
    server.once('error', failed);
    server.listen({ host, port, backlog }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function listenError(error: Error, host: string, port: number): AuthmeshError {
  const where = `${host}:${port}`;
  const code = systemErrorCode(error);
  if (code === 'EADDRINUSE') {
    return new AuthmeshError('ERR_ADDRESS_IN_USE', `another program listens on ${where}`, {
      hint: 'stop it, or choose another address with --listen HOST:PORT',
      cause: error,
    });
  }
  return new AuthmeshError(
    'ERR_CONFIGURATION',
    `the coordinator cannot listen on ${where} (${code ?? error.message})`,
    {
      hint: 'choose an address of this host with --listen HOST:PORT',
      cause: error,
    },
  );
}
