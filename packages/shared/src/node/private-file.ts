import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { AuthmeshError, systemErrorCode, systemReason } from './errors.ts';

const fileMode = 0o600;
const directoryMode = 0o700;
/** Rights of group and others. */
const foreignRights = 0o077;

/**
 * Makes `directory` (and its parents) with mode 0700. One of this user's that others may enter, as a plain `mkdir`
 * makes it, is closed to them; one of somebody else's is refused. Files inside are judged when they are read.
 */
export async function ensurePrivateDirectory(directory: string): Promise<void> {
  await attempt('make the folder', directory, () => makeFolders(directory));
  const found = await attempt('look at', directory, () => stat(directory));
  if (!found.isDirectory()) {
    throw new AuthmeshError('ERR_FILE_ACCESS', `${directory} is not a folder`, {
      hint: 'move it away or name another',
    });
  }
  refuseForeignOwner(directory, found);
  if ((found.mode & foreignRights) !== 0) {
    await attempt('change the mode of', directory, () => chmod(directory, directoryMode));
  }
}

/** One by one: Node's own way of making parents never ends where a parent takes no folders (`/proc`). */
async function makeFolders(directory: string): Promise<void> {
  if (await isFolder(directory)) return;
  const parent = dirname(directory);
  if (parent !== directory) await makeFolders(parent);
  try {
    await mkdir(directory, { mode: directoryMode });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw new Error(`${parent} takes no folders`, { cause: error });
    // Somebody else may have made it in between.
    if (systemErrorCode(error) !== 'EEXIST' || !(await isFolder(directory))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  );
}

/**
 * Replaces `file` by `text` with mode 0600: a temporary file beside it, synced, renamed, the folder synced. A crash at
 * any point leaves the old or the new file.
 */
export async function writePrivateText(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  await attempt('write', file, async () => {
    try {
      const handle = await open(temporary, 'wx', fileMode);
      try {
        await handle.writeFile(text);
        await handle.chmod(fileMode);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
      await syncDirectory(dirname(file));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
}

/** `writePrivateText` of a value as indented JSON. */
export async function writePrivateJson(file: string, value: unknown): Promise<void> {
  await writePrivateText(file, `${JSON.stringify(value, undefined, 2)}\n`);
}

/**
 * The text of a file that only its owner may read; `undefined` when there is none. Throws when others may read it:
 * what it holds may be known to them.
 */
export async function readPrivateText(file: string): Promise<string | undefined> {
  return attempt('read', file, async () => {
    try {
      refuseForeign(file, await stat(file), fileMode);
      return await readFile(file, 'utf8');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT' && !(await isDanglingLink(file))) return undefined;
      throw error;
    }
  });
}

/** A private JSON file, parsed and checked; `undefined` when there is none. Its contents never enter an error. */
export async function readPrivateJson<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  const text = await readPrivateText(file);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AuthmeshError('ERR_FILE_INVALID', `${file} is not valid JSON`, { hint: restoreHint });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join('.');
  throw new AuthmeshError('ERR_FILE_INVALID', `${file} is not as authmesh wrote it${field ? `, at "${field}"` : ''}`, {
    hint: restoreHint,
  });
}

const restoreHint = 'put it back from a backup, or move it away to begin anew';

function refuseForeignOwner(path: string, found: { readonly uid: number }): void {
  const user = process.getuid?.();
  if (user === undefined || found.uid === user) return;
  throw new AuthmeshError('ERR_FILE_PERMISSIONS', `${path} belongs to user ${found.uid}, this is user ${user}`, {
    hint: 'run authmesh as its owner, or give the file to this user',
  });
}

/** A secret that others could read may be known to them: that is for its owner to judge. */
function refuseForeign(path: string, found: { readonly mode: number; readonly uid: number }, mode: number): void {
  refuseForeignOwner(path, found);
  if (process.platform === 'win32' || (found.mode & foreignRights) === 0) return;
  const rights = `0${(found.mode & 0o777).toString(8)}`;
  throw new AuthmeshError('ERR_FILE_PERMISSIONS', `${path} can be opened by others (mode ${rights})`, {
    hint: `run: chmod ${mode.toString(8)} '${path}'`,
  });
}

async function isDanglingLink(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Makes a rename durable. Not every file system lets a folder be synced; then the rename is as durable as it gets. */
async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {}
}

async function attempt<T>(verb: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof AuthmeshError) throw error;
    throw new AuthmeshError('ERR_FILE_ACCESS', `cannot ${verb} ${path}: ${systemReason(error)}`, {
      hint: 'mend that and run the command again',
      cause: error,
    });
  }
}
