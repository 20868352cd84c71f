import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startCrowd } from '../crowd/crowd.ts';
import { makeMembers } from '../crowd/members.ts';
import { type Bench, type BenchContext, type Figure, limitTarget } from '../figure.ts';
import { startCoordinator } from '../fleet.ts';

/** Far fewer than come: most are turned away at first, and told when to come again. */
const halfOpenMax = 8;
const profiles = 5;
/** Short: all come at once. Long: every agent waits for as long as it ever does. */
const outages = [
  { name: 'a short', ms: 1_000 },
  { name: 'a long', ms: 30_000 },
] as const;

/** A coordinator is killed and comes back after a while: until all agents are there again, by their own back-off. */
export const crashReturn: Bench = {
  name: 'crash-return',
  async run(context) {
    const figures: Figure[] = [];
    for (const size of context.isFull ? [1_000, 5_000] : [1_000]) {
      for (const outage of outages) figures.push(...(await measure(context, size, outage)));
    }
    return figures;
  },
};

async function measure(
  { installation, folder: parent }: BenchContext,
  size: number,
  outage: (typeof outages)[number],
): Promise<Figure[]> {
  const folder = join(parent, `crash-${size}-${outage.ms}`);
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(dataDir, 'coordinator.json'), JSON.stringify({ halfOpenMax }), { mode: 0o600 });
  const { keys, fleet } = await makeMembers(dataDir, size, profiles);
  const seeds = keys.map(({ seed }) => Buffer.from(seed).toString('base64'));
  const first = await startCoordinator(installation, folder);
  const crowd = startCrowd();
  try {
    await crowd.connect({ url: first.url, until: 'synced', seeds, fleet, profiles, isInsistent: true });
    const back = crowd.back();
    process.kill(first.program.pid, 'SIGKILL');
    await first.program.stop();
    await delay(outage.ms);
    const second = await startCoordinator(installation, folder, new URL(first.url).host);
    const began = performance.timeOrigin + performance.now();
    try {
      await back;
      const seconds = (performance.timeOrigin + performance.now() - began) / 1_000;
      const { peak, turnedAway } = await readMetrics(second.url);
      const name = `${size.toLocaleString('en')} agents back after ${outage.name} outage`;
      return [
        {
          name: `${name}, ${halfOpenMax} half-open at most`,
          unit: 's',
          value: seconds,
          target: limitTarget(seconds, 30, 's'),
          failure: peak > halfOpenMax ? `${peak} connections were half-open` : undefined,
        },
        { name: `${name}: most half-open at once`, unit: '', value: peak, target: limitTarget(peak, halfOpenMax, '') },
        { name: `${name}: turned away an agent`, unit: '', value: turnedAway / size },
      ];
    } finally {
      await second.program.stop();
    }
  } finally {
    await crowd.stop();
    await first.program.stop();
  }
}

async function readMetrics(url: string): Promise<{ readonly peak: number; readonly turnedAway: number }> {
  const text = await (await fetch(`${url.replace(/^ws/, 'http')}/metrics`)).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { peak: read('authmesh_links_unproven_peak'), turnedAway: read('authmesh_links_turned_away_total') };
}
