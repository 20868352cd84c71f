import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { programPath } from './program.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Before the first of these tests: makes the programs that they start. */
export function setup(): void {
  const rolldown = `${root}node_modules/.bin/rolldown`;
  execFileSync(rolldown, ['-c', 'rolldown.config.ts'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const name of ['authmesh-agent', 'authmesh-coordinator'] as const) chmodSync(programPath(name), 0o755);
}
