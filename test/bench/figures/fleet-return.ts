import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startCrowd } from '../crowd/crowd.ts';
import { makeMembers } from '../crowd/members.ts';
import type { Crowd } from '../crowd/orders.ts';
import { type Bench, type BenchContext, type Figure, limitTarget, ratioTarget } from '../figure.ts';
import { startCoordinator } from '../fleet.ts';
import { startPrototype } from '../floor/servers.ts';
import type { Program } from '../program.ts';
import { median } from '../statistics.ts';

const rounds = 5;
const profiles = 20;
const quietMs = 2_000;
/** Two looks of the coordinator at its heap, which it shrinks when it is calm. */
const calmMs = 22_000;

/** All agents of a fleet return at once: attested, inventory compared, welcomed. And what a connected one costs in memory. */
export const fleetReturn: Bench = {
  name: 'fleet-return',
  async run(context) {
    const figures: Figure[] = [];
    for (const size of context.isFull ? [1_000, 5_000] : [1_000]) figures.push(...(await measure(context, size)));
    return figures;
  },
};

async function measure({ installation, folder: parent }: BenchContext, size: number): Promise<Figure[]> {
  const folder = join(parent, String(size));
  const { keys, fleet } = await makeMembers(join(folder, 'data'), size, profiles);
  const seeds = keys.map(({ seed }) => Buffer.from(seed).toString('base64'));
  const { program, url } = await startCoordinator(installation, folder);
  const floor = await startPrototype('challenge', folder);
  try {
    const crowd: Crowd = { url, until: 'synced', seeds, fleet, profiles };
    const ours: Storm[] = [];
    const theirs: Storm[] = [];
    for (let round = 0; round < rounds; round++) {
      const stayMs = round === 0 ? calmMs : quietMs;
      ours.push(await storm(program, crowd, stayMs));
      theirs.push(await storm(floor.program, { ...crowd, url: floor.url, until: 'welcome' }, stayMs));
    }
    await delay(calmMs);
    const value = median(ours.map(({ seconds }) => seconds));
    const bare = median(theirs.map(({ seconds }) => seconds));
    const longest = Math.max(...ours.map(({ longestMs }) => longestMs)) / 1_000;
    const refused = ours.reduce((total, round) => total + round.refused, 0);
    const kb = ours[0]?.kbPerClient ?? Number.NaN;
    const name = `${size.toLocaleString('en')} agents return at once`;
    return [
      {
        name,
        unit: 's',
        value,
        floor: { name: 'ws + challenge', value: bare },
        target: ratioTarget(value, bare, 1.3),
        failure: refused > 0 ? `${refused} wrongly refused` : undefined,
      },
      { name: `${name}: the longest wait`, unit: 's', value: longest, target: limitTarget(longest, 3, 's') },
      {
        name: `coordinator's memory a connected agent, ${size.toLocaleString('en')} with ${profiles} profiles`,
        unit: 'KB',
        value: kb,
        floor: { name: 'ws + challenge', value: theirs[0]?.kbPerClient ?? Number.NaN },
        target: limitTarget(kb, 24, 'KB'),
      },
      {
        name: `coordinator's memory after ${rounds} such storms`,
        unit: 'MB',
        value: program.residentKb() / 1_024,
        floor: { name: 'ws + challenge', value: floor.program.residentKb() / 1_024 },
        target: size === 5_000 ? limitTarget(program.residentKb() / 1_024, 250, 'MB') : undefined,
      },
    ];
  } finally {
    await program.stop();
    await floor.program.stop();
  }
}

interface Storm {
  readonly seconds: number;
  readonly longestMs: number;
  readonly refused: number;
  readonly kbPerClient: number;
}

/** A crowd comes, stays for a while, and goes. */
async function storm(server: Program, plan: Crowd, stayMs: number): Promise<Storm> {
  const crowd = startCrowd();
  try {
    const before = server.residentKb();
    const { at, beganAt, longestMs, refused } = await crowd.connect(plan);
    await delay(stayMs);
    const kbPerClient = (server.residentKb() - before) / plan.seeds.length;
    await crowd.disconnect();
    await delay(quietMs);
    return { seconds: (at - beganAt) / 1_000, longestMs, refused, kbPerClient };
  } finally {
    await crowd.stop();
  }
}
