import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from './condition.ts';

/** A request that a receiver has taken. */
export interface Received {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

/** A real HTTP server that alerts are sent to: as Slack, ntfy or anybody's own. */
export interface Receiver {
  readonly url: string;
  /** Those that it answered with success, in order. */
  readonly taken: Received[];
  /** Those that it answered otherwise, or not at all. */
  readonly refused: Received[];
  /** What it answers from now on: a status, or nothing at all. */
  answer(status: number | 'stall', headers?: Readonly<Record<string, string>>): void;
  /** The first request whose body fits, once it is there. */
  hears(pattern: RegExp, what: string): Promise<Received>;
  stop(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const taken: Received[] = [];
  const refused: Received[] = [];
  let answer: { readonly status: number | 'stall'; readonly headers: Readonly<Record<string, string>> } = {
    status: 200,
    headers: {},
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', piece => {
      body += piece;
    });
    request.on('end', () => {
      const { url: path = '', method = '', headers } = request;
      const received = { path, method, headers, body, at: Date.now() };
      if (answer.status === 'stall') return void refused.push(received);
      (answer.status < 300 ? taken : refused).push(received);
      response.writeHead(answer.status, answer.headers);
      // As Slack's API answers, and its webhooks nearly do.
      response.end(JSON.stringify({ ok: true, ts: `${taken.length}.0001` }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    taken,
    refused,
    answer: (status, headers = {}) => {
      answer = { status, headers };
    },
    async hears(pattern, what) {
      await until(what, () => taken.some(({ body }) => pattern.test(body)));
      const found = taken.find(({ body }) => pattern.test(body));
      if (!found) throw new Error('it was heard, and is not there');
      return found;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
