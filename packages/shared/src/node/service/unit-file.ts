import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AuthmeshError, systemErrorCode, systemReason } from '@authmesh/shared/node/errors';
import { writePrivateText } from '@authmesh/shared/node/private-file';

/** Writes the file unless it already holds `text`; says whether it did. */
export async function writeUnit(file: string, text: string): Promise<boolean> {
  if ((await readUnit(file)) === text) return false;
  await attempt('write', file, async () => {
    await mkdir(dirname(file), { recursive: true });
    await writePrivateText(file, text);
  });
  return true;
}

/** Removes the file; says whether there was one. */
export async function removeUnit(file: string): Promise<boolean> {
  if (!(await hasUnit(file))) return false;
  await attempt('remove', file, () => rm(file));
  return true;
}

export async function hasUnit(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function readUnit(file: string): Promise<string | undefined> {
  return attempt('read', file, async () => {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  });
}

async function attempt<T>(verb: string, file: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof AuthmeshError) throw error;
    const hint = 'mend that and run the command again';
    throw new AuthmeshError('ERR_SERVICE', `cannot ${verb} ${file}: ${systemReason(error)}`, { hint, cause: error });
  }
}
