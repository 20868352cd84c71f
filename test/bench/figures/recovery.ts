import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planWaves } from '@authmesh/shared/core/waves';
import { askControl } from '@authmesh/shared/node/control-client';
import { type Answered, startService } from '../../demo/service.ts';
import { type Bench, type BenchContext, type Figure, ratioTarget } from '../figure.ts';
import { startFleet } from '../fleet.ts';
import { save } from '../login-store.ts';
import { waysFor } from '../recovery/baselines.ts';
import { deadLogin, liveLogin, makeStores, startAgents } from '../recovery/outage.ts';
import { median, quantile } from '../statistics.ts';

const limit = 4;
const startMs = 200;
const rounds = 5;
const agents = Array.from({ length: 15 }, (_, index) => `a${index + 1}`);
/** A main agent comes last, for the others fall back to it. */
const withMain = ['main', ...agents.slice(1)];
const { totalMs: idealMs } = planWaves(agents.length, limit, startMs);

/** What the service saw of one recovery. */
interface Seen {
  readonly readyMs: number;
  readonly refused: number;
  readonly mostAtOnce: number;
  readonly waitMs: readonly number[];
}

/**
 * Fifteen stores of one host have a login that ended, their service lets four start at once and takes 200 ms for each:
 * from the renewal on another host until the last session is there. Beside it what others do, with the login at hand.
 */
export const recovery: Bench = {
  name: 'recovery',
  async run(context) {
    const figures: Figure[] = [];
    for (const [way, crowd] of [
      ['authmesh', agents],
      ['authmesh, main among them', withMain],
    ] as const) {
      const seen: Seen[] = [];
      for (let round = 0; round < rounds; round++) {
        seen.push(await recover(context, join(context.folder, `${crowd[0]}-${round}`), crowd));
      }
      figures.push(...figuresOf(way, seen));
    }
    for (const way of waysFor(limit, startMs)) {
      const seen: Seen[] = [];
      for (let round = 0; round < rounds; round++) {
        seen.push(
          await watchService(async connect => {
            await way.run(agents.map(agent => () => connect(agent)));
          }),
        );
      }
      figures.push(...figuresOf(way.name, seen));
    }
    return figures;
  },
};

function figuresOf(way: string, seen: readonly Seen[]): Figure[] {
  const value = median(seen.map(({ readyMs }) => readyMs));
  const refused = Math.max(...seen.map(one => one.refused));
  const isOurs = way.startsWith('authmesh');
  const most = Math.max(...seen.map(({ mostAtOnce }) => mostAtOnce));
  return [
    {
      name: `15 stores back, 4 at once, ${way}`,
      unit: 'ms',
      value,
      p99: quantile(
        seen.flatMap(({ waitMs }) => waitMs),
        0.99,
      ),
      floor: { name: 'ideal ramp', value: idealMs },
      target: isOurs ? ratioTarget(value, idealMs, 1.2) : undefined,
      failure: isOurs && most > limit ? `${most} at once` : undefined,
    },
    {
      name: `15 stores back, ${way}: refused`,
      unit: '',
      value: refused,
      target: isOurs ? { words: 'none', met: refused === 0 } : undefined,
    },
  ];
}

async function recover({ installation }: BenchContext, folder: string, crowd: readonly string[]): Promise<Seen> {
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // What counts is the use that is seen; the settle time is for what is never used.
  const pools = [{ name: 'web', match: ['*'], limit, settleSeconds: 10 }];
  writeFileSync(join(dataDir, 'coordinator.json'), JSON.stringify({ pools }), { mode: 0o600 });
  const dead = deadLogin();
  const fleet = await startFleet(installation, folder, [{ stores: [dead.text] }, { stores: [] }]);
  try {
    const [desk, host] = fleet.hosts;
    const store = desk?.stores[0];
    if (!host || !store) throw new RangeError('there are two hosts');
    const stores = makeStores(join(host.home, '..', '.openclaw'), crowd, dead);
    await untilKnown(host.home, stores.length + 1);
    await untilAtRest(stores);
    return await watchService(async connect => {
      const back = new Set<string>();
      const done = Promise.withResolvers<void>();
      const stop = startAgents(stores, async agent => {
        const isIn = await connect(agent);
        if (isIn && back.add(agent).size === stores.length) done.resolve();
        return isIn;
      });
      save(store, liveLogin().text);
      await done.promise;
      stop();
    });
  } finally {
    await fleet.stop();
  }
}

/** Runs a recovery against a service of its own, counted from now. */
async function watchService(run: (connect: (agent: string) => Promise<boolean>) => Promise<void>): Promise<Seen> {
  const service = await startService(limit, () => true, startMs);
  const begunAt = Date.now();
  await run(async agent => {
    const response = await fetch(service.url, { method: 'POST', headers: { 'x-agent': agent } });
    return response.status === 200;
  });
  await service.close();
  const started = service.log.filter(({ status }) => status === 200);
  const ready = ({ readyAt = begunAt }: Answered) => readyAt - begunAt;
  return {
    readyMs: Math.max(...started.map(ready)),
    refused: service.log.filter(({ status }) => status === 429).length,
    mostAtOnce: Math.max(...started.map(({ starting }) => starting)),
    waitMs: started.map(ready),
  };
}

/** Waits until the fleet knows of every copy. */
async function untilKnown(home: string, copies: number): Promise<void> {
  for (;;) {
    const status = (await askControl({ home, request: { op: 'status' } })) as {
      readonly accounts: readonly { readonly copies: readonly unknown[] }[];
    };
    if (status.accounts.flatMap(account => account.copies).length >= copies) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** Waits until the agent has taken the refresh tokens off logins that have ended: it does so when it first sees them. */
async function untilAtRest(stores: readonly string[]): Promise<void> {
  while (stores.some(store => readFileSync(store, 'utf8').includes('"refresh"'))) {
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
