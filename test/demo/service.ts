import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** How long a session takes to start: while it does, it counts. */
const startMs = 700;

/** One request, as the service logged it. */
export interface Answered {
  readonly at: number;
  readonly who: string;
  readonly status: 200 | 401 | 429;
  /** Sessions that were starting, this one among them where it was let in. */
  readonly starting: number;
}

/** A service that takes a few sessions at once, over real HTTP. Its log is the judge of the demo. */
export interface Service {
  readonly url: string;
  readonly log: readonly Answered[];
  readonly close: () => Promise<void>;
}

/** Listens on a free port; whoever starts a session above `limit` is refused with 429. */
export async function startService(limit: number, isAlive: (token: string) => boolean): Promise<Service> {
  const log: Answered[] = [];
  let starting = 0;
  const server: Server = createServer(async (request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const status = !isAlive(token) ? 401 : starting >= limit ? 429 : 200;
    if (status === 200) starting++;
    log.push({ at: Date.now(), who: String(request.headers['x-agent'] ?? ''), status, starting });
    if (status === 200) {
      await wait(startMs);
      starting--;
    }
    response.writeHead(status).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/session`,
    log,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** What the log says of one half of the demo. */
export interface Judgement {
  readonly refused: number;
  readonly mostAtOnce: number;
  readonly started: number;
  /** From the first request to the last one that was let in. */
  readonly tookMs: number;
}

export function judge(log: readonly Answered[]): Judgement {
  const started = log.filter(({ status }) => status === 200);
  return {
    refused: log.filter(({ status }) => status === 429).length,
    mostAtOnce: Math.max(0, ...log.map(({ starting }) => starting)),
    started: started.length,
    tookMs: (started.at(-1)?.at ?? 0) - (log[0]?.at ?? 0),
  };
}
