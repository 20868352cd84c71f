import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { createLoginStore, makeFiles, watchArrivals } from '../login-store.ts';
import { start } from '../program.ts';
import type { Way } from '../way.ts';

/** `inotifywait` wakes `rsync -c`, which asks a daemon on loopback: no login to be negotiated, so better than over ssh. */
export async function startRsync(folder: string): Promise<Way> {
  const login = createLoginStore();
  const [source, target] = makeFiles(folder, login.text());
  const port = await freePort();
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
  const watching = start('sh', ['-c', `echo ready; ${loop}`], folder);
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
