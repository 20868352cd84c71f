import { link, open, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { tempPath } from './durable-file.ts';
import { errorCode } from './store-file.ts';

/** What file systems without hard links answer to `link`. */
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * Creates the file `path` with `content`; false when something stands there already. It is linked in when it is
 * complete, so that a crash leaves no file that is empty.
 */
export async function createExclusively(path: string, content: string): Promise<boolean> {
  const temp = tempPath(dirname(path));
  try {
    await writeFile(temp, content, { flag: 'wx', mode: 0o600 });
    await link(temp, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    if (!linkless.has(errorCode(error))) throw error;
    return await createInPlace(path, content);
  } finally {
    await unlink(temp).catch(() => undefined);
  }
}

async function createInPlace(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(content);
      return true;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}
