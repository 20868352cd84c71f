import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { BenchContext } from './figure.ts';
import type { Way } from './figures/file-to-file.ts';
import { createLoginStore, watchArrivals } from './login-store.ts';
import { type Program, start } from './program.ts';

/** What people use for the same today, when it is installed here; how many times faster authmesh means to be. */
export interface Peer {
  readonly way: Way;
  readonly factor: number;
}

/** Starts the peers that this machine has; says which it lacks. */
export async function findPeers({ folder, say }: BenchContext): Promise<readonly Peer[]> {
  const peers: Peer[] = [];
  const inotifywait = find('inotifywait');
  const rsync = find('rsync');
  if (inotifywait && rsync) peers.push({ way: await startRsync(join(folder, 'rsync')), factor: 4 });
  else say('rsync with inotifywait: not installed here, left out');
  const syncthing = find('syncthing');
  if (!syncthing) say('Syncthing: not installed here, left out');
  return peers;
}

function find(name: string): string | undefined {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next folder of the path may have it.
    }
  }
  return undefined;
}

function makeFiles(folder: string, text: string): readonly [source: string, target: string] {
  const [source, target] = ['a', 'b'].map(host => {
    mkdirSync(join(folder, host), { recursive: true });
    const file = join(folder, host, 'auth-profiles.json');
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  });
  return [source ?? '', target ?? ''];
}

/** `inotifywait` wakes `rsync -c`, which asks a daemon on loopback: no login to be negotiated, so better than over ssh. */
async function startRsync(folder: string): Promise<Way> {
  const login = createLoginStore();
  const [source, target] = makeFiles(folder, login.text());
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const configuration = join(folder, 'rsyncd.conf');
  writeFileSync(
    configuration,
    `use chroot = no\n[b]\npath = ${join(folder, 'b')}\nread only = no\nlock file = ${join(folder, 'lock')}\nuid = ${process.getuid?.() ?? 0}\ngid = ${process.getgid?.() ?? 0}\n`,
  );
  const daemon = start(
    'rsync',
    ['--daemon', '--no-detach', `--config=${configuration}`, '--address=127.0.0.1', `--port=${port}`],
    folder,
  );
  const loop = `inotifywait -m -q -e close_write,moved_to --format %f ${join(folder, 'a')} | while read f; do
    [ "$f" = auth-profiles.json ] && rsync -c ${source} rsync://127.0.0.1:${port}/b/; done`;
  const watching: Program = start('sh', ['-c', `echo ready; ${loop}`], folder);
  await watching.line(/ready/);
  return {
    name: 'inotifywait + rsync -c',
    source,
    login,
    arrivals: watchArrivals(target),
    async stop() {
      await watching.stop();
      await daemon.stop();
    },
  };
}
