import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AuthmeshError, systemErrorCode, systemReason } from './errors.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

const lockContents = z.object({
  pid: z.number().int(),
  startedAt: z.string().nullable(),
  realm: z.string().nullable(),
  home: z.string().optional(),
});

/** The process that holds a lock, and the home that it runs for where the lock is not the home's own. */
export interface LockHolder extends ProcessIdentity {
  readonly home?: string | undefined;
}

export interface InstanceLock {
  /** Lets the next daemon in. */
  readonly release: () => Promise<void>;
}

/** Attempts before giving up on a lock that changes hands all the time. */
const attemptsMax = 20;

/** Makes this process the only daemon of `home`. Throws `ERR_ALREADY_RUNNING`, naming the one that lives. */
export async function takeInstanceLock(home: string, what: string): Promise<InstanceLock> {
  return takeLock(join(home, 'daemon.lock'), {}, ({ pid }) => alreadyRunning(home, what, pid));
}

/**
 * Makes this process the only holder of `file`, and throws what `refusal` says of another that lives. A holder that was
 * killed leaves the file behind: it is recognised as dead by its number and the time it began, and replaced.
 *
 * The file is linked into place whole, so no reader ever sees half of it; a stale one is replaced by a rename, under a
 * second lock of the same kind, so that of two that find it only one replaces it.
 */
export async function takeLock(
  file: string,
  marks: Pick<LockHolder, 'home'>,
  refusal: (holder: LockHolder) => AuthmeshError,
): Promise<InstanceLock> {
  const text = JSON.stringify({ ...(await ownIdentity()), ...marks });
  const own = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(own, text, { mode: 0o600, flag: 'wx' });
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (await linked(own, file)) return { release: () => release(file, text) };
      const holder = await readHolder(file);
      if (holder && (await isAlive(holder))) throw refusal(holder);
      if (await replaced(own, file, text)) return { release: () => release(file, text) };
    }
  } catch (error) {
    if (error instanceof AuthmeshError) throw error;
    throw new AuthmeshError('ERR_FILE_ACCESS', `cannot take the lock ${file}: ${systemReason(error)}`, {
      hint: 'mend that and start again',
      cause: error,
    });
  } finally {
    await rm(own, { force: true });
  }
  throw new AuthmeshError('ERR_LOCK_HELD', `the lock ${file} keeps changing hands`, { hint: 'try again in a moment' });
}

function alreadyRunning(home: string, what: string, pid: number): AuthmeshError {
  return new AuthmeshError('ERR_ALREADY_RUNNING', `${what} is already running for ${home}, as process ${pid}`, {
    hint: 'stop that one first, or name another folder',
  });
}

/** Replaces a stale lock while holding `file.takeover`; false when somebody else was faster or is at it. */
async function replaced(own: string, file: string, text: string): Promise<boolean> {
  const guard = `${file}.takeover`;
  if (!(await linked(own, guard))) {
    const rival = await readHolder(guard);
    if (!rival || !(await isAlive(rival))) await rm(guard, { force: true });
    return false;
  }
  try {
    const holder = await readHolder(file);
    if (holder && (await isAlive(holder))) return false;
    // Renaming one name of a file onto another of its names would do nothing: the new lock is a file of its own.
    const fresh = `${own}.new`;
    await writeFile(fresh, text, { mode: 0o600, flag: 'wx' });
    await rename(fresh, file);
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Who wrote the lock; undefined when it is gone or nobody's. */
async function readHolder(file: string): Promise<LockHolder | undefined> {
  try {
    return lockContents.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (systemErrorCode(error) === 'EACCES') throw error;
    return undefined;
  }
}

async function release(file: string, text: string): Promise<void> {
  const found = await readFile(file, 'utf8').catch(() => undefined);
  if (found === text) await rm(file, { force: true });
}

/** The process that holds the lock of `home`, when one does. */
export async function findInstance(home: string): Promise<number | undefined> {
  return (await findHolder(join(home, 'daemon.lock')))?.pid;
}

/** The living holder of a lock, when it has one. */
export async function findHolder(file: string): Promise<LockHolder | undefined> {
  const holder = await readHolder(file);
  return holder && (await isAlive(holder)) ? holder : undefined;
}
