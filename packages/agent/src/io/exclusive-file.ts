import { linkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { removeQuietly, tempPath } from './durable-file.ts';
import { errorCode } from './store-file.ts';

/** What file systems without hard links answer to `link`. */
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * Creates the file `path` with `content`; false when something stands there already. It is linked in when it is
 * complete, so that a crash leaves no file that is empty.
 */
export function createExclusively(path: string, content: string): boolean {
  const temp = tempPath(dirname(path));
  try {
    writeFileSync(temp, content, { flag: 'wx', mode: 0o600 });
    linkSync(temp, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    if (!linkless.has(errorCode(error))) throw error;
    return createInPlace(path, content);
  } finally {
    removeQuietly(temp);
  }
}

function createInPlace(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}
