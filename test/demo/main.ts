import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPrograms } from './program.ts';
import { describeRest, describeRun } from './report.ts';
import { playOutage } from './story.ts';

const keeps = process.argv.includes('--keep');
const unknown = process.argv.slice(2).filter(argument => argument !== '--keep');
if (unknown.length > 0) {
  process.stderr.write(`demo: "${unknown[0]}" is not known; the only option is --keep.\n`);
  process.exit(64);
}

const folder = await mkdtemp(join(tmpdir(), 'authmesh-demo-'));
const programs = createPrograms(folder);
const say = (sentence: string) => process.stdout.write(`${sentence}\n`);
let isOver = false;

/** Ends every process and removes the folder; the second call does nothing. */
async function end(): Promise<void> {
  if (isOver) return;
  isOver = true;
  clearInterval(orphanWatch);
  await programs.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function fail(reason: string): Promise<void> {
  if (isOver) return;
  process.stderr.write(`demo: ${reason}\n`);
  await end();
  process.exit(1);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void fail(`stopped by ${signal}; every process has to end`));
}
process.on('exit', () => {
  for (const pid of programs.pids()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
});
// A shell in between may die of a signal without passing it on.
const parent = process.ppid;
const orphanWatch = setInterval(() => {
  if (process.ppid !== parent) void fail('the program that started it is gone');
}, 500);

try {
  const outcome = await playOutage(folder, programs, say);
  say(describeRun(outcome));
  if (keeps) {
    say(describeRest(outcome, folder, programs));
    isOver = true;
    clearInterval(orphanWatch);
    programs.release();
  } else {
    await end();
    say('Every process has ended and the temporary folder is gone.');
  }
} catch (error) {
  await fail(error instanceof Error ? error.message : String(error));
}
