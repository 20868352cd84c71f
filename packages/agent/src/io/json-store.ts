import { sweepOnce } from './durable-file.ts';
import { liftMarksBeside, peekBeside, readStateBeside } from './marks-beside.ts';
import { bothOf, peekSignature, readStoreFile } from './store-file.ts';
import { acquireStoreLock } from './store-lock.ts';
import type { StorePort } from './store-port.ts';
import { replaceStore } from './store-replacement.ts';

/** `auth-profiles.json`, up to 2026.6.1: a file under a file lock, from 2026.4.7 on with `auth-state.json` beside it. */
export const jsonStore: StorePort = {
  readingShows: false,
  read(store) {
    const read = readStoreFile(store);
    return read.state === 'read' ? { ...read, beside: readStateBeside(store) } : read;
  },
  peek(store) {
    const own = peekSignature(store);
    const beside = own && peekBeside(store);
    return beside ? bothOf(own, beside) : own;
  },
  async lock(store, options) {
    const lock = await acquireStoreLock(store, options);
    if (lock.state === 'held') await sweepOnce(store);
    return lock;
  },
  replace: replaceStore,
  liftMarks: liftMarksBeside,
};
