import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Figure } from './figure.ts';
import { agentCost } from './figures/agent-cost.ts';
import { announcement } from './figures/announcement.ts';
import { change } from './figures/change.ts';
import { crashReturn } from './figures/crash-return.ts';
import { fileToFile } from './figures/file-to-file.ts';
import { fleetReturn } from './figures/fleet-return.ts';
import { halfLimit } from './figures/half-limit.ts';
import { leaseSchedule } from './figures/lease-schedule.ts';
import { metrics } from './figures/metrics.ts';
import { recovery } from './figures/recovery.ts';
import { secretDrift } from './figures/secret-drift.ts';
import { simulator } from './figures/simulator.ts';
import { startTimes } from './figures/start-times.ts';
import { waitingStores } from './figures/waiting-stores.ts';
import { install } from './installation.ts';
import { tableOf } from './table.ts';

const benches: readonly Bench[] = [
  startTimes,
  fileToFile,
  change,
  announcement,
  fleetReturn,
  crashReturn,
  agentCost,
  waitingStores,
  halfLimit,
  recovery,
  leaseSchedule,
  secretDrift,
  metrics,
  simulator,
];

const usage = `usage: npm run bench -- [--only NAME]… [--full] [--json FILE]
  --only NAME   one of ${benches.map(({ name }) => name).join(', ')}; may be given several times
  --full        the sizes of 5,000 agents too
  --json FILE   writes the figures as JSON, - for stdout`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    full: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const unknown = values.only.filter(wanted => !benches.some(({ name }) => name === wanted));
if (values.help) console.log(usage);
else if (unknown.length > 0) {
  console.error(`--only ${unknown[0]} is no figure of the bench\n${usage}`);
  process.exitCode = 64;
} else await main();

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'authmesh-bench-'));
  const say = (sentence: string) => console.error(sentence);
  const figures: (Figure & { readonly bench: string })[] = [];
  try {
    say('compiling');
    const installation = await install(join(folder, 'installation'));
    for (const { name, run } of benches) {
      if (values.only.length > 0 && !values.only.includes(name)) continue;
      say(name);
      const context = { installation, folder: mkdtempSync(join(folder, `${name}-`)), isFull: values.full, say };
      for (const figure of await run(context)) figures.push({ bench: name, ...figure });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model.trim()}, ${process.platform}, Node ${process.versions.node}`;
  const text = JSON.stringify({ machine, figures }, null, 2);
  if (values.json === '-') console.log(text);
  else {
    console.log(`${machine}\n\n${tableOf(figures)}`);
    if (values.json !== undefined) writeFileSync(values.json, `${text}\n`);
  }
  for (const { name, failure } of figures.filter(figure => figure.failure !== undefined)) {
    console.error(`${name}: ${failure}`);
    process.exitCode = 1;
  }
}
