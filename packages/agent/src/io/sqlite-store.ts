import { existsSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { liftAuthMarks, storeBytesMax } from './auth-profiles.ts';
import type { ReplaceOutcome } from './durable-file.ts';
import { columnsOf, type RowPlace, type SqliteLayout, schemaProblem } from './formats/sqlite-schema.ts';
import { type Database, explainSqlite, isBusy, openDatabase, readDatabase } from './sqlite-file.ts';
import { type FileSignature, locate, unfitFile } from './store-file.ts';
import { lockWaitMs } from './store-lock.ts';
import type { ReplaceTextOptions, StorePort, StoreRead } from './store-port.ts';

/*
 * A store in a row of OpenClaw's own SQLite database. The database is opened late and closed at once. What was read is
 * replaced by a compare-and-swap of the row's whole text, which is what keeps everybody's last word: OpenClaw has no
 * lock there but SQLite's own.
 */

/** Statistics that change under the hand this often in a row stay as they are. */
const marksAttemptsMax = 5;
const pauseMsMin: Milliseconds = 5;
const pauseMsMax: Milliseconds = 100;

/** A store in a database of this layout; a writer is waited for `waitMs` at most. */
export function createSqliteStore(layout: SqliteLayout, waitMs: Milliseconds = lockWaitMs): StorePort {
  return {
    // The first connection of a database begins its write-ahead log anew, whatever it opens it for.
    readingShows: true,
    read: store => readRows(store, layout),
    peek: peekDatabase,
    // `BEGIN IMMEDIATE` is the lock, for the moment of the replacement.
    lock: async () => ({ state: 'held', release: () => undefined }),
    async replace(store, read, text, options = {}) {
      if (read.state !== 'read')
        return { outcome: failed('it has no logins yet: log in there once with OpenClaw itself') };
      return { outcome: await swapPatiently({ store, layout, waitMs }, layout.profiles, [read.text, text], options) };
    },
    async liftMarks(store, profiles, onTrouble) {
      if (profiles.length === 0) return false;
      for (let attempt = 0; attempt < marksAttemptsMax; attempt++) {
        const read = readRows(store, layout);
        if (read.state !== 'read' || read.beside === undefined) return false;
        const { beside } = read;
        const lifted = profiles.reduce(liftAuthMarks, beside);
        if (lifted === beside) return false;
        const outcome = await swapPatiently({ store, layout, waitMs }, layout.state, [beside, lifted]);
        if (outcome.result === 'replaced') return true;
        if (outcome.result === 'locked' || outcome.result === 'failed') {
          onTrouble?.(`the cooldown in ${store} stays: ${outcome.reason}`);
          return false;
        }
        await delay(pauseMsMin);
      }
      onTrouble?.(`the cooldown in ${store} stays: OpenClaw keeps on writing its statistics`);
      return false;
    },
  };
}

/** What changes when the database or its write-ahead log does, where new rows stand first. */
function peekDatabase(store: string): FileSignature | undefined {
  try {
    const target = locate(store);
    const { ino, mtimeMs, size } = statSync(target);
    const log = statSync(`${target}-wal`, { throwIfNoEntry: false });
    // An empty log comes and goes with whoever reads.
    const changedMs = log && log.size > 0 ? log.mtimeMs : 0;
    return { inode: ino, size: size + (log?.size ?? 0), modifiedMs: mtimeMs, changedMs };
  } catch {
    return undefined;
  }
}

function readRows(store: string, layout: SqliteLayout): StoreRead {
  try {
    const stats = statSync(store, { throwIfNoEntry: false });
    if (!stats || (stats.isFile() && stats.size === 0)) return { state: 'absent' };
    const unfit = unfitFile(stats, Number.POSITIVE_INFINITY);
    if (unfit !== undefined) return { state: 'refused', reason: unfit, passing: false };
    // Before the rows: what changes after it is seen at the next look.
    const signature = peekDatabase(store);
    return readDatabase(store, (database): StoreRead => {
      const problem = schemaProblem(database, layout);
      if (problem !== undefined) return { state: 'refused', reason: problem, passing: false };
      const text = textOf(database, layout.profiles);
      if (text === undefined || !signature) return { state: 'absent' };
      if (text.length > storeBytesMax) {
        return {
          state: 'refused',
          reason: `its logins take more than 8 MiB (${text.length} characters)`,
          passing: false,
        };
      }
      return { state: 'read', text, beside: textOf(database, layout.state), signature, target: locate(store) };
    });
  } catch (error) {
    return { state: 'refused', reason: `it cannot be read: ${explainSqlite(error)}`, passing: isBusy(error) };
  }
}

function textOf(database: Database, { table, keyColumn, key, textColumn }: RowPlace): string | undefined {
  if (columnsOf(database, table).length === 0) return undefined;
  const row = database.prepare(`SELECT ${textColumn} AS text FROM ${table} WHERE ${keyColumn} = ?`).get(key);
  return typeof row?.text === 'string' ? row.text : undefined;
}

interface Target {
  readonly store: string;
  readonly layout: SqliteLayout;
  readonly waitMs: Milliseconds;
}

/** The text that was read, and the one that takes its place. */
type Change = readonly [before: string, after: string];

/** Tries to swap, again and again while another process is writing. */
async function swapPatiently(
  target: Target,
  place: RowPlace,
  change: Change,
  options: ReplaceTextOptions = {},
): Promise<ReplaceOutcome> {
  const { store, waitMs } = target;
  const deadline = performance.now() + waitMs;
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(pauseMsMax, pauseMs * 2)) {
    try {
      return await swap(target, place, change, options);
    } catch (error) {
      if (!existsSync(store)) return { result: 'overtaken' };
      if (!isBusy(error)) return failed(explainSqlite(error));
      if (options.mayStill?.() === false) return { result: 'lapsed' };
      if (performance.now() >= deadline) {
        return { result: 'locked', reason: `another process is writing ${store}; it is tried again` };
      }
    }
    await delay(pauseMs * (0.5 + Math.random()));
  }
}

/** One transaction: the row's text is replaced if it still is the one that was read, and its time stamp with it. */
async function swap(
  { store, layout }: Target,
  { table, keyColumn, key, textColumn, timeColumn }: RowPlace,
  [before, after]: Change,
  { at, mayStill }: ReplaceTextOptions,
): Promise<ReplaceOutcome> {
  const database = openDatabase(store, { readOnly: false });
  try {
    // Durable when it is told: OpenClaw's own NORMAL may lose the last commits in a power cut.
    database.exec('PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
    await at?.('begun');
    const problem = schemaProblem(database, layout);
    if (problem !== undefined) return failed(problem);
    const update = `UPDATE ${table} SET ${textColumn} = ?, ${timeColumn} = ? WHERE ${keyColumn} = ? AND ${textColumn} = ?`;
    const { changes } = database.prepare(update).run(after, Date.now(), key, before);
    if (changes !== 1) return { result: 'overtaken' };
    await at?.('row-updated');
    if (mayStill?.() === false) return { result: 'lapsed' };
    database.exec('COMMIT');
    await at?.('committed');
    return { result: 'replaced' };
  } finally {
    // What is not committed is rolled back.
    database.close();
  }
}

function failed(reason: string): ReplaceOutcome {
  return { result: 'failed', reason };
}
