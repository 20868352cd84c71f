import { hour } from '@authmesh/shared/core/time';
import { run } from './run.ts';
import { createRandom } from './world/random.ts';

/** Fresh seeds, sizes and lengths until the time is over. Prints what fails with the command that replays it. */
export function swarm(options: { readonly hours: number; readonly nodes: number }): number {
  const started = performance.now();
  const random = createRandom(Date.now() | 0);
  let runs = 0;
  let steps = 0;
  let failures = 0;
  while (performance.now() - started < options.hours * hour) {
    const seed = 1 + random.below(0x7fff_ffff);
    const nodes = random.between(2, options.nodes);
    const minutes = random.between(5, 240);
    const result = run({ seed, nodes, minutes });
    runs++;
    steps += result.steps;
    if (result.failure) {
      failures++;
      console.error(`seed ${seed}: ${result.failure.message}`);
      console.error(`  replay: npm run simulate -- --seed ${seed} --nodes ${nodes} --minutes ${minutes} --replay`);
    }
    if (runs % 100 === 0) console.log(`${runs} runs, ${steps} steps, ${failures} failures`);
  }
  console.log(`${runs} runs, ${steps} steps, ${failures} failures`);
  return failures === 0 ? 0 : 1;
}
