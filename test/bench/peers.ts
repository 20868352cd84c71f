import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { BenchContext } from './figure.ts';
import { startRsync } from './peers/rsync.ts';
import { startSyncthing } from './peers/syncthing.ts';
import type { Way } from './way.ts';

/** What people use for the same today, when it is installed here; how many times faster authmesh means to be. */
export interface Peer {
  readonly way: Way;
  readonly factor: number;
}

/** Starts the peers that this machine has; says which it lacks. */
export async function findPeers({ folder, say }: BenchContext): Promise<readonly Peer[]> {
  const peers: Peer[] = [];
  if (isInstalled('inotifywait') && isInstalled('rsync')) {
    peers.push({ way: await startRsync(join(folder, 'rsync')), factor: 4 });
  } else say('rsync with inotifywait: not installed here, left out');
  if (isInstalled('syncthing')) peers.push({ way: await startSyncthing(join(folder, 'syncthing')), factor: 100 });
  else say('Syncthing: not installed here, left out');
  return peers;
}

function isInstalled(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(directory => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
