import { parseArgs } from 'node:util';
import { type NoteName, noteCatalogue } from '@authmesh/shared/core/notes';
import { type RunResult, run } from './run.ts';
import { rewriteTranscripts } from './scenarios/transcripts.ts';
import { swarm } from './swarm.ts';

/*
 * npm run simulate -- --seed N --nodes N --minutes N [--replay]      one seed; `--replay` prints all that happens
 * npm run simulate -- --seeds N --nodes N --minutes N                seeds 1 to N, each twice
 * npm run simulate -- --swarm --hours H                              fresh seeds and sizes until the time is over
 * npm run simulate -- --rewrite                                      plays the transcripts anew
 */

const usage = `usage: npm run simulate -- [--seed N | --seeds N | --swarm --hours H | --rewrite] [--nodes N] [--minutes N] [--replay]`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    nodes: { type: 'string', default: '50' },
    minutes: { type: 'string', default: '30' },
    replay: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    swarm: { type: 'boolean', default: false },
    hours: { type: 'string', default: '1' },
    rewrite: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(usage);
else if (values.rewrite) rewriteTranscripts();
else if (values.swarm)
  process.exitCode = swarm({ hours: number('hours', values.hours), nodes: number('nodes', values.nodes) });
else process.exitCode = simulate();

function number(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`--${name} is ${text}; it has to be a number above 0\n${usage}`);
  process.exit(64);
}

function simulate(): number {
  const nodes = number('nodes', values.nodes);
  const minutes = number('minutes', values.minutes);
  const only = values.seed === undefined ? undefined : number('seed', values.seed);
  const last = only ?? number('seeds', values.seeds ?? '100');
  const write = values.replay || values.trace ? (line: string) => console.log(line) : undefined;
  const covered = new Map<NoteName, number>();
  const started = performance.now();
  let steps = 0;
  let failures = 0;
  for (let seed = only ?? 1; seed <= last; seed++) {
    const first = run({ seed, nodes, minutes, write });
    const second = run({ seed, nodes, minutes });
    steps += first.steps + second.steps;
    for (const [name, count] of first.notes) covered.set(name, (covered.get(name) ?? 0) + count);
    const problem = first.failure?.message ?? differenceOf(first, second);
    if (problem === undefined) continue;
    failures++;
    console.error(`seed ${seed}: ${problem}`);
    console.error(`  replay: npm run simulate -- --seed ${seed} --nodes ${nodes} --minutes ${minutes} --replay`);
  }
  report(steps, performance.now() - started, covered);
  return failures === 0 ? 0 : 1;
}

/** A run that differs from its own repetition is worth nothing. */
function differenceOf(first: RunResult, second: RunResult): string | undefined {
  return first.hash === second.hash && first.steps === second.steps
    ? undefined
    : `two runs differ: trace ${first.hash} after ${first.steps} steps, then ${second.hash} after ${second.steps}`;
}

function report(steps: number, elapsedMs: number, covered: ReadonlyMap<NoteName, number>): void {
  console.log(
    `${steps} steps in ${(elapsedMs / 1_000).toFixed(1)} s: ${Math.round(steps / (elapsedMs / 1_000))} steps/s`,
  );
  const names = Object.keys(noteCatalogue) as NoteName[];
  for (const name of names.filter(name => covered.has(name)))
    console.log(`  ${String(covered.get(name)).padStart(9)} ${name}`);
  const missed = names.filter(name => !covered.has(name));
  if (missed.length > 0) console.log(`  never reached: ${missed.join(', ')}`);
}
