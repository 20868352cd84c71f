import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { retryAfterHeader } from '@authmesh/shared/protocol/close-codes';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string | undefined;
}

/** What the port answers to plain HTTP. */
export interface HttpEndpoints {
  /** The process works. */
  live(): HttpAnswer | Promise<HttpAnswer>;
  /** It can do its job. */
  ready(): HttpAnswer | Promise<HttpAnswer>;
  /** Prometheus' text format. */
  metrics(): HttpAnswer | Promise<HttpAnswer>;
}

/** Answers one request; the connection ends with it, so that idle ones do not pile up. */
export async function answerHttp(
  endpoints: HttpEndpoints,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await answerFor(endpoints, request);
  response.writeHead(answer.status, {
    'content-type': answer.contentType ?? 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(request.method === 'HEAD' ? '' : answer.body);
}

async function answerFor(endpoints: HttpEndpoints, request: IncomingMessage): Promise<HttpAnswer> {
  const endpoint = endpointFor(endpoints, (request.url ?? '/').split('?')[0] ?? '/');
  if (!endpoint) return { status: 404, body: 'authmesh coordinator: /live, /ready, /metrics, or a websocket\n' };
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { status: 405, body: 'only GET is answered here\n' };
  try {
    return await endpoint();
  } catch {
    return { status: 500, body: 'this cannot be answered now; the log says why\n' };
  }
}

function endpointFor(endpoints: HttpEndpoints, path: string): (() => HttpAnswer | Promise<HttpAnswer>) | undefined {
  if (path === '/live') return () => endpoints.live();
  if (path === '/ready') return () => endpoints.ready();
  return path === '/metrics' ? () => endpoints.metrics() : undefined;
}

/** How long whoever is turned away may take to hang up. */
const lingerMsMax: Milliseconds = 2 * second;

const refusals = { tooManyPeers: '429 Too Many Requests', draining: '503 Service Unavailable' } as const;

/**
 * Turns a connection away before there is a websocket: the cheapest answer that still has a reason in it, and a moment to
 * come again. HTTP's own field counts whole seconds (RFC 9110 §10.2.3): too coarse for a crowd.
 */
export function turnAway(socket: Duplex, reason: keyof typeof refusals, retryAfterMs: Milliseconds): void {
  socket.on('error', () => undefined);
  // Nobody counts it: one that does not hang up is cut off.
  const cut = setTimeout(() => socket.destroy(), lingerMsMax);
  socket.once('close', () => clearTimeout(cut));
  const moment = `retry-after: ${Math.ceil(retryAfterMs / second)}\r\n${retryAfterHeader}: ${retryAfterMs}`;
  socket.end(`HTTP/1.1 ${refusals[reason]}\r\nconnection: close\r\n${moment}\r\ncontent-length: 0\r\n\r\n`);
}
