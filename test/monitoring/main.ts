import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Checks what monitoring is given: what a real coordinator tells at `/metrics`, and the rules and the dashboard in `etc/`, by
 * `promtool`, which is installed from Debian where it is absent.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

function run(...words: readonly string[]): number {
  const [command = '', ...args] = words;
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

const isInstalled = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;
const install = ['apt-get', 'install', '-q', '-y', '--no-install-recommends', 'prometheus'];
if (!isInstalled && (run(...asRoot, 'apt-get', 'update', '-q') || run(...asRoot, ...install))) {
  process.stderr.write('promtool could not be installed: it is in Debian’s package prometheus\n');
  process.exit(1);
}
process.exit(run('vitest', 'run', '-c', 'vitest.monitoring.config.ts', ...process.argv.slice(2)));
