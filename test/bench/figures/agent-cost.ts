import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type BenchContext, type Figure, limitTarget } from '../figure.ts';
import { startFleet } from '../fleet.ts';
import { createLoginStore } from '../login-store.ts';
import { start } from '../program.ts';

const stores = 20;
/** Its heap has been given back by then: once, and a fifth of a second of a core. */
const settleMs = 25_000;
/** Two whole periods of the rescan. */
const idleMs = 60_000;

/** What an agent with 20 stores costs a host on which nothing happens, whether they are files or databases. */
export const agentCost: Bench = {
  name: 'agent-cost',
  run: async context => [
    ...(await idle(context, { kind: 'stores', inDatabases: false })),
    ...(await idle(context, { kind: 'databases', inDatabases: true })),
  ],
};

async function idle(
  { installation, folder }: BenchContext,
  { kind, inDatabases }: { readonly kind: string; readonly inDatabases: boolean },
): Promise<readonly Figure[]> {
  const texts = Array.from({ length: stores }, () => createLoginStore().text());
  const place = mkdtempSync(join(folder, `${kind}-`));
  const fleet = await startFleet(installation, place, [{ stores: texts, inDatabases }]);
  const bare = start(process.execPath, ['--eval', 'setInterval(() => {}, 1e6)'], place);
  try {
    const [host] = fleet.hosts;
    if (!host) throw new RangeError('the fleet has no host');
    await delay(settleMs);
    const before = { agent: host.agent.cpuMs(), bare: bare.cpuMs() };
    await delay(idleMs);
    const percent = ((host.agent.cpuMs() - before.agent) / idleMs) * 100;
    const megabytes = (host.agent.residentKb() - bare.residentKb()) / 1_024;
    const barePercent = ((bare.cpuMs() - before.bare) / idleMs) * 100;
    return [
      {
        name: `agent: memory above a bare Node process, ${stores} ${kind}`,
        unit: 'MB',
        value: megabytes,
        floor: { name: 'bare Node, in all', value: bare.residentKb() / 1_024 },
        target: limitTarget(megabytes, 60, 'MB'),
      },
      {
        name: `agent: CPU while idle, ${stores} ${kind}`,
        unit: '% of a core',
        value: percent,
        floor: { name: 'bare Node', value: barePercent },
        target: limitTarget(percent, 0.1, '%'),
      },
    ];
  } finally {
    await bare.stop();
    await fleet.stop();
  }
}
