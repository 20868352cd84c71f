import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Bench, BenchContext, Figure } from '../figure.ts';
import { startFleet } from '../fleet.ts';
import { createLoginStore, makeFiles, save, watchArrivals } from '../login-store.ts';
import { findPeers } from '../peers.ts';
import { type Program, start } from '../program.ts';
import { median, monotonicMs, spread } from '../statistics.ts';
import type { Way } from '../way.ts';

const rounds = 300;
const peerRounds = 30;
const bursts = 20;
const writesPerBurst = 15;
const roundsAfterBursts = 50;
/** Between two bursts, so that each meets programs at rest. */
const restMs = 150;
const arrivalMsMax = 10_000;

/**
 * A login is saved on host A: how long until it stands in host B's store. Rounds of the product and of the prototype
 * take turns, so that both meet the same machine.
 */
export const fileToFile: Bench = {
  name: 'file-to-file',
  async run(context) {
    const product = await startProduct(context);
    const floor = await startRelay(join(context.folder, 'relay'));
    const peers = await findPeers(context);
    const figures: Figure[] = [];
    try {
      const times = await takeTurns([product, floor], rounds);
      const [ours = [], least = []] = times.map(arrived);
      const [our, its] = [spread(ours), spread(least)];
      figures.push({
        name: 'store on A → store on B',
        unit: 'ms',
        ...our,
        floor: { name: floor.name, ...its },
        target: {
          words: '≤ 2 × floor, p99 ≤ 3 ×',
          met: our.value <= 2 * its.value && our.p99 <= 3 * its.p99,
        },
        failure: lossOf(times[0] ?? []),
      });
      figures.push(await burstFigure(product, floor));
      for (const { way, factor } of peers) figures.push(await peerFigure(product, way, factor));
    } finally {
      for (const way of [product, floor, ...peers.map(peer => peer.way)]) {
        way.arrivals.close();
        await way.stop();
      }
    }
    return figures;
  },
};

async function startProduct({ installation, folder }: BenchContext): Promise<Way> {
  const login = createLoginStore();
  const plan = { stores: [login.text()] };
  const fleet = await startFleet(installation, join(folder, 'fleet'), [plan, plan]);
  const [source = '', target = ''] = fleet.hosts.map(({ stores }) => stores[0]);
  return { name: 'authmesh', source, login, arrivals: watchArrivals(target), stop: fleet.stop };
}

/** The durable signed prototype as three processes. */
async function startRelay(folder: string): Promise<Way> {
  const program = fileURLToPath(new URL('../floor/relay.ts', import.meta.url));
  const login = createLoginStore();
  const [source, target] = makeFiles(folder, login.text());
  const hub = start(process.execPath, [program, 'hub'], folder);
  const url = await hub.line(/^ws:/);
  const ends: Program[] = [];
  for (const args of [
    ['source', source, url],
    ['target', target, url],
  ]) {
    const end = start(process.execPath, [program, ...args], folder);
    await end.line(/^ready/);
    ends.push(end);
  }
  return {
    name: 'durable signed prototype',
    source,
    login,
    arrivals: watchArrivals(target),
    async stop() {
      for (const one of [...ends, hub]) await one.stop();
    },
  };
}

/** Milliseconds of each round of each way; undefined where nothing arrived. */
async function takeTurns(ways: readonly Way[], count: number): Promise<(number | undefined)[][]> {
  const times: (number | undefined)[][] = ways.map(() => []);
  for (let round = 0; round < count; round++) {
    for (const [index, way] of ways.entries()) {
      times[index]?.push(await timeOf(way));
      // Between 20 and 120 ms: no program meets each save in the same moment of its own timers.
      await delay(20 + Math.random() * 100);
    }
  }
  return times;
}

async function timeOf({ source, login, arrivals }: Way): Promise<number | undefined> {
  const { text, access } = login.renewed();
  const begun = monotonicMs();
  save(source, text);
  const at = await arrivals.of(access, arrivalMsMax);
  return at === undefined ? undefined : at - begun;
}

function arrived(times: readonly (number | undefined)[]): number[] {
  return times.filter(time => time !== undefined);
}

function lossOf(times: readonly (number | undefined)[]): string | undefined {
  const lost = times.length - arrived(times).length;
  return lost > 0 ? `${lost} of ${times.length} lost` : undefined;
}

/** The last of 15 saves that are 0 to 20 ms apart, and whether anything is seen after it. */
async function burstFigure(product: Way, floor: Way): Promise<Figure> {
  const times: [product: (number | undefined)[], floor: (number | undefined)[]] = [[], []];
  for (let burst = 0; burst < bursts; burst++) {
    times[0].push(await burstTime(product));
    times[1].push(await burstTime(floor));
  }
  const [after = []] = await takeTurns([product], roundsAfterBursts);
  const lost = lossOf(times[0]);
  const blind = lossOf(after);
  const worst = Math.max(...arrived(times[0]));
  return {
    name: 'last of a burst of 15 → store on B',
    unit: 'ms',
    ...spread(arrived(times[0])),
    floor: { name: floor.name, ...spread(arrived(times[1])) },
    target: { words: 'all within 150 ms', met: worst <= 150 },
    failure: lost ?? (blind === undefined ? undefined : `blind after bursts: ${blind}`),
  };
}

async function burstTime({ source, login, arrivals }: Way): Promise<number | undefined> {
  let last = login.renewed();
  for (let write = 1; write < writesPerBurst; write++) {
    save(source, last.text);
    const gapMs = Math.floor(Math.random() * 21);
    if (gapMs > 0) await delay(gapMs);
    last = login.renewed();
  }
  const begun = monotonicMs();
  save(source, last.text);
  const at = await arrivals.of(last.access, arrivalMsMax);
  await delay(restMs);
  return at === undefined ? undefined : at - begun;
}

async function peerFigure(product: Way, peer: Way, factor: number): Promise<Figure> {
  const [ours = [], theirs = []] = await takeTurns([product, peer], peerRounds);
  const value = median(arrived(ours));
  const other = median(arrived(theirs));
  return {
    name: `store on A → store on B, beside ${peer.name}`,
    unit: 'ms',
    value,
    floor: { name: peer.name, value: other },
    target: { words: `≥ ${factor} × faster`, met: other >= factor * value },
    failure: lossOf(ours),
  };
}
