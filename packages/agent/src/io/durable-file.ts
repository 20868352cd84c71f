import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  openSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isAlive } from './process-liveness.ts';
import { errorCode, locate } from './store-file.ts';

/** Moments of a replacement at which a crash must leave the old file or the new one. */
export const replaceSteps = ['temp-opened', 'temp-written', 'temp-synced', 'renamed', 'directory-synced'] as const;
export type ReplaceStep = (typeof replaceSteps)[number];

export type ReplaceOutcome =
  | { readonly result: 'replaced' }
  /** Somebody changed the file since it was read: nothing was written. */
  | { readonly result: 'overtaken' }
  /** The moment for it had passed. */
  | { readonly result: 'lapsed' }
  /** Somebody else is writing it, for longer than it was waited for. */
  | { readonly result: 'locked'; readonly reason: string }
  | { readonly result: 'failed'; readonly reason: string };

export interface ReplaceOptions {
  /** Asked right before the rename: whether the file still is the one that was read. */
  readonly isUnchanged?: (() => boolean | Promise<boolean>) | undefined;
  /** Asked last, before anything is replaced. */
  readonly mayStill?: (() => boolean) | undefined;
  /** Told at each step; tests crash or fail there. */
  readonly at?: ((step: ReplaceStep) => void | Promise<void>) | undefined;
}

/** Only the disk itself is waited for; every other call here is over in microseconds. */
const sync = promisify(fsync);
const tempName = /^\.authmesh-(\d+)-[0-9a-f]{16}\.tmp$/;
const ownTemps = new Set<string>();
// A fault of this program's own must not leave a login where nobody looks for it until the next start.
process.once('exit', () => {
  for (const temp of ownTemps) removeQuietly(temp);
});

/** A name for a temporary file in `directory` that says which process it belongs to. */
export function tempPath(directory: string): string {
  return join(directory, `.authmesh-${process.pid}-${randomBytes(8).toString('hex')}.tmp`);
}

/**
 * Puts `text` in place of the file `target` (a path without symbolic links) so that a crash leaves the old or the new
 * one: temporary file, sync, rename, sync of the directory. Mode and owner of the old file stay; a new one is 0600.
 */
export async function replaceFile(target: string, text: string, options: ReplaceOptions = {}): Promise<ReplaceOutcome> {
  const directory = dirname(target);
  const temp = tempPath(directory);
  const at = options.at ?? (() => undefined);
  let isTempThere = false;
  ownTemps.add(temp);
  try {
    const old = statIfThere(target);
    const file = openSync(temp, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    isTempThere = true;
    try {
      await at('temp-opened');
      if (old) keepOwnerAndMode(file, old);
      writeFileSync(file, text);
      await at('temp-written');
      await sync(file);
    } finally {
      closeSync(file);
    }
    await at('temp-synced');
    if (options.isUnchanged && !(await options.isUnchanged())) return { result: 'overtaken' };
    if (options.mayStill?.() === false) return { result: 'lapsed' };
    renameSync(temp, target);
    isTempThere = false;
    await at('renamed');
    await syncDirectory(directory);
    await at('directory-synced');
    return { result: 'replaced' };
  } catch (error) {
    return { result: 'failed', reason: explain(directory, error) };
  } finally {
    if (isTempThere) removeQuietly(temp);
    ownTemps.delete(temp);
  }
}

/** Makes a rename or a new name in `directory` last through a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const file = openSync(directory, constants.O_RDONLY);
  try {
    await sync(file);
  } finally {
    closeSync(file);
  }
}

/** Removes a file of ours, if it is there. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already, or its directory takes no changes: the next sweep finds it.
  }
}

/** Removes temporary files that dead processes left in `directory`. */
export async function sweepTemps(directory: string): Promise<void> {
  const names = await readdir(directory).catch((): string[] => []);
  for (const name of names) {
    const owner = tempName.exec(name)?.[1];
    const path = join(directory, name);
    if (owner === undefined || ownTemps.has(path)) continue;
    if (Number(owner) === process.pid || !isAlive(Number(owner))) await unlink(path).catch(() => undefined);
  }
}

const swept = new Set<string>();

/** The same for the folder of a file that is about to be replaced, the first time that one is. */
export async function sweepOnce(path: string): Promise<void> {
  const directory = dirname(locate(path));
  if (swept.has(directory)) return;
  swept.add(directory);
  await sweepTemps(directory);
}

function keepOwnerAndMode(file: number, old: Stats): void {
  const made = fstatSync(file);
  if (made.uid !== old.uid || made.gid !== old.gid) fchownSync(file, old.uid, old.gid);
  if ((made.mode & 0o7777) !== (old.mode & 0o7777)) fchmodSync(file, old.mode & 0o7777);
}

function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function explain(directory: string, error: unknown): string {
  const code = errorCode(error);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `the disk of ${directory} is full (${code}): free some space; the old file is intact`;
    case 'EROFS':
      return `${directory} is on a read-only file system: mount it writable; the old file is intact`;
    case 'EACCES':
    case 'EPERM':
      return `this agent may not write in ${directory} (${code}): give its user write permission; the old file is intact`;
    default:
      return `writing in ${directory} failed (${code}); the old file is intact`;
  }
}
