import { statSync } from 'node:fs';
import { StoreError } from './store.ts';

/**
 * Does `work` only while the path names the file that it names now: one that was deleted goes on taking writes, which
 * nobody will ever read. Throws a StoreError otherwise.
 */
export function whileInPlace(file: string, work: () => void): () => void {
  const inode = statSync(file).ino;
  return () => {
    if (statSync(file, { throwIfNoEntry: false })?.ino === inode) return work();
    throw new StoreError('ERR_STORE_UNAVAILABLE', `${file} was deleted or replaced under the running coordinator`, {
      hint: 'stop the coordinator, put the file back from a backup and start it again',
    });
  };
}
