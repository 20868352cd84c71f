import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** How long a session takes to start: while it does, it counts. */
const startMsDefault = 1_000;

/** One request, as the service logged it. */
export interface Answered {
  readonly at: number;
  readonly who: string;
  readonly status: 200 | 401 | 429;
  /** Sessions that were starting, this one among them where it was let in. */
  readonly starting: number;
  /** When its session had started. */
  readonly readyAt?: number | undefined;
}

/** A service that takes a few sessions at once, over real HTTP. Its log is the judge of the demo. */
export interface Service {
  readonly url: string;
  readonly log: readonly Answered[];
  readonly close: () => Promise<void>;
}

/** Listens on a free port; whoever starts a session above `limit` is refused with 429. */
export async function startService(
  limit: number,
  isAlive: (token: string) => boolean,
  startMs: number = startMsDefault,
): Promise<Service> {
  const log: Answered[] = [];
  let starting = 0;
  const server: Server = createServer(async (request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const status = !isAlive(token) ? 401 : starting >= limit ? 429 : 200;
    if (status === 200) starting++;
    const who = String(request.headers['x-agent'] ?? '');
    const entry = { at: Date.now(), who, status, starting } as const;
    const place = log.push(entry) - 1;
    if (status === 200) {
      await wait(startMs);
      starting--;
      log[place] = { ...entry, readyAt: Date.now() };
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

/** Requests that came together. */
export interface Wave {
  /** From the beginning of the recovery to the first of them. */
  readonly afterMs: number;
  readonly started: number;
  readonly refused: number;
}

/** What the log says of one half of the demo. */
export interface Judgement {
  readonly refused: number;
  /** Sessions that were starting at the same time, and that asked to. */
  readonly mostAtOnce: number;
  readonly mostAsked: number;
  readonly started: number;
  readonly waves: readonly Wave[];
  /** From the beginning of the recovery until the last session that was let in had started. */
  readonly readyMs: number;
}

/** Reads the log of a recovery that began at `begunAt`, or with the first request. */
export function judge(log: readonly Answered[], begunAt = log[0]?.at ?? 0): Judgement {
  const started = log.filter(({ status }) => status === 200);
  return {
    refused: log.filter(({ status }) => status === 429).length,
    mostAtOnce: Math.max(0, ...log.map(({ starting }) => starting)),
    // Independent of what the service counted and refused: all that asked within the time that one start takes.
    mostAsked: Math.max(
      0,
      ...log.map(last => log.filter(({ at }) => at <= last.at && at > last.at - startMsDefault).length),
    ),
    started: started.length,
    waves: wavesOf(log, begunAt),
    readyMs: Math.max(0, ...started.map(({ readyAt = begunAt }) => readyAt - begunAt)),
  };
}

function wavesOf(log: readonly Answered[], begunAt: number): readonly Wave[] {
  const waves: Wave[] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (const { at, status } of log) {
    const last = at - before < startMsDefault / 2 ? waves.pop() : undefined;
    const { afterMs, started, refused } = last ?? { afterMs: at - begunAt, started: 0, refused: 0 };
    waves.push({ afterMs, started: started + Number(status === 200), refused: refused + Number(status === 429) });
    before = at;
  }
  return waves;
}
