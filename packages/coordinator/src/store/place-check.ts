import { statSync } from 'node:fs';
import { StoreError } from './store.ts';

/**
 * A file that was deleted goes on taking writes, which nobody will ever read. The check throws once the path names
 * another file than now, or none.
 */
export function createPlaceCheck(file: string): () => void {
  const inode = statSync(file).ino;
  return () => {
    if (statSync(file, { throwIfNoEntry: false })?.ino === inode) return;
    throw new StoreError('ERR_STORE_UNAVAILABLE', `${file} was deleted or replaced under the running coordinator`, {
      hint: 'stop the coordinator, put the file back from a backup and start it again',
    });
  };
}
