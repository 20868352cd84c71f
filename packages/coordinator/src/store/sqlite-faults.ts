import { systemReason } from '@authmesh/shared/node/errors';
import { SqliteAbsentError, sqliteAbsentHint } from '@authmesh/shared/node/sqlite';
import { StoreError } from './store.ts';

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html) that an operator can do something about. */
const faults: Readonly<Record<number, readonly ['ERR_STORE_UNAVAILABLE' | 'ERR_STORE_CORRUPT', string, string]>> = {
  5: ['ERR_STORE_UNAVAILABLE', 'another process keeps it locked', 'stop the other coordinator or backup'],
  6: ['ERR_STORE_UNAVAILABLE', 'another process keeps it locked', 'stop the other coordinator or backup'],
  8: ['ERR_STORE_UNAVAILABLE', 'it cannot be written', 'check the owner and mode of the file, its folder and its disk'],
  10: ['ERR_STORE_UNAVAILABLE', 'the disk reports an input/output error', 'check the disk'],
  11: ['ERR_STORE_CORRUPT', 'it is damaged', 'put back a backup; nodes bring what it lacks'],
  13: ['ERR_STORE_UNAVAILABLE', 'the disk is full', 'make room; the coordinator goes on by itself'],
  14: ['ERR_STORE_UNAVAILABLE', 'it cannot be opened', 'check that the folder exists and belongs to this user'],
  26: ['ERR_STORE_CORRUPT', 'it is not a SQLite database', 'move it away or put back a backup'],
};

/** What SQLite said, as a sentence that names the file. SQLite's own messages can quote values and are left out. */
export function sqliteFault(file: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof SqliteAbsentError) {
    const found = `the store ${file} does not work: ${error.message}`;
    return new StoreError('ERR_STORE_UNAVAILABLE', found, { hint: sqliteAbsentHint, cause: error });
  }
  const known = faults[resultCode(error) & 0xff];
  if (known) {
    const [code, found, hint] = known;
    return new StoreError(code, `the store ${file} does not work: ${found}`, { hint, cause: error });
  }
  const found = resultCode(error) === 0 ? systemReason(error) : `SQLite error ${resultCode(error)}`;
  return new StoreError('ERR_STORE_UNAVAILABLE', `the store ${file} does not work: ${found}`, { cause: error });
}

function resultCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
}

/** Whether SQLite itself said no, and not the file system around it. */
export function isSqliteError(error: unknown): boolean {
  return resultCode(error) !== 0;
}
