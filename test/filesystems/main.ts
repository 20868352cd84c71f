import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Runs the tests that mount file systems, in a mount namespace of their own: whatever happens, nothing of it stays. Needs root
 * (or sudo) and FUSE; bindfs is installed from Debian where it is absent.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n', '--preserve-env=PATH'];

function run(...words: readonly string[]): number {
  const [command = '', ...args] = [...asRoot, ...words];
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

const isInstalled = spawnSync('bindfs', ['--version'], { stdio: 'ignore' }).status === 0;
if (!isInstalled && (run('apt-get', 'update', '-q') || run('apt-get', 'install', '-q', '-y', 'bindfs'))) {
  process.stderr.write('bindfs could not be installed: it is the file system without shared memory here\n');
  process.exit(1);
}
const vitest = ['vitest', 'run', '-c', 'vitest.filesystems.config.ts', ...process.argv.slice(2)];
process.exit(run('unshare', '--mount', '--propagation', 'private', ...vitest));
