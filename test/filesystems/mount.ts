import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Something mounted for a test; the namespace takes it down when the run ends, whatever happened. */
export interface Mounted {
  /** Changes its options while it is in use. */
  readonly remount: (options: string) => void;
  readonly unmount: () => void;
}

/** A small disk of its own. */
export function mountDisk(folder: string, size: string): Mounted {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'authmesh-test', folder]);
  return mounted(folder);
}

/** What is in `source`, through a file system that has no shared memory, as network file systems have none. */
export function mountWithoutSharedMemory(source: string, folder: string): Mounted {
  mkdirSync(folder, { recursive: true });
  execFileSync('bindfs', ['-o', 'direct_io,nonempty', source, folder]);
  return mounted(folder);
}

function mounted(folder: string): Mounted {
  const isMounted = readFileSync('/proc/self/mounts', 'utf8').includes(` ${folder} `);
  if (!isMounted) throw new Error(`${folder} is not mounted`);
  return {
    remount: options => void execFileSync('mount', ['-o', `remount,${options}`, folder]),
    unmount: () => void execFileSync('umount', ['--lazy', folder]),
  };
}

/** Takes all the room that is left; the room comes back with the answer's call. */
export function fillDisk(folder: string): () => void {
  const path = join(folder, 'filler');
  const file = openSync(path, 'w');
  try {
    for (const bytes of [4_096, 1]) {
      const piece = Buffer.alloc(bytes);
      for (;;) if (writeSync(file, piece) < bytes) break;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}
