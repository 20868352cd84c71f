import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NodeId } from '@authmesh/shared/core/identifiers';
import { replaceFile, sweepTemps, syncDirectory } from './durable-file.ts';
import { type JournalEntry, writeEntryLine } from './formats/journal-entry.ts';
import { type JournalContents, keepLine, loadJournal, textOf } from './formats/journal-text.ts';
import { createGathering } from './gathering.ts';
import { errorCode } from './store-file.ts';

export type { JournalEntry } from './formats/journal-entry.ts';

/** The agent's memory across restarts: one JSON entry a line, the last one of a key counts. No secret is in it. */

/** Appended bytes after which the file is written anew, with the live entries only. */
export const journalGrowthBytesMax = 1024 * 1024;
/** The journal's name in the agent's home. */
export const journalFileName = 'journal.ndjson';
const foreignPrefix = `${journalFileName}.of-`;

/** Moments at which a crash must lose nothing that was told to be kept. */
export type JournalStep = 'written' | 'synced' | 'compacting' | 'compacted';

interface Waiting {
  readonly entries: readonly JournalEntry[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** An open journal; `openJournal` makes one. */
export class AgentJournal {
  readonly contents: JournalContents;
  readonly #path: string;
  readonly #at: (step: JournalStep) => void | Promise<void>;
  /** The line of each live key, in the order of the last write. */
  readonly #live: Map<string, string>;
  /** Absent while what is appended would go into a file that has lost its name. */
  #file: FileHandle | undefined;
  #size: number;
  #grown = 0;
  #waiting: Waiting[] = [];
  readonly #gathering = createGathering();
  #worker: Promise<void> | undefined;

  constructor(parts: {
    readonly path: string;
    readonly contents: JournalContents;
    readonly live: Map<string, string>;
    readonly file: FileHandle;
    readonly size: number;
    readonly at: (step: JournalStep) => void | Promise<void>;
  }) {
    this.contents = parts.contents;
    this.#path = parts.path;
    this.#live = parts.live;
    this.#file = parts.file;
    this.#size = parts.size;
    this.#at = parts.at;
  }

  /** Resolves when the entries are on disk, which is soon: what else goes on is not held up by it. */
  append(entries: readonly JournalEntry[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject });
      this.#worker ??= this.#work();
    });
  }

  /** Has what was appended so far written at once. */
  hurry(): void {
    if (this.#waiting.length > 0) this.#gathering.hurry();
  }

  async close(): Promise<void> {
    this.hurry();
    await this.#worker;
    await this.#file?.close();
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gathering.wait();
      const batch = this.#waiting.splice(0);
      try {
        await this.#write(batch.flatMap(({ entries }) => entries));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#worker = undefined;
  }

  async #write(entries: readonly JournalEntry[]): Promise<void> {
    const lines = entries.map(entry => ({ entry, line: writeEntryLine(entry) }));
    if (lines.length === 0) return;
    const bytes = Buffer.from(`${lines.map(({ line }) => line).join('\n')}\n`);
    this.#file ??= await this.#reopened();
    const file = this.#file;
    try {
      await file.writeFile(bytes);
      await this.#at('written');
      await file.datasync();
    } catch (error) {
      // Half a line must not swallow the next one.
      await file.truncate(this.#size).catch(() => undefined);
      throw error;
    }
    await this.#at('synced');
    this.#size += bytes.length;
    this.#grown += bytes.length;
    for (const { entry, line } of lines) keepLine(this.#live, entry, line);
    if (this.#grown > journalGrowthBytesMax) await this.#compact();
  }

  async #compact(): Promise<void> {
    await this.#at('compacting');
    const outcome = await replaceFile(this.#path, textOf(this.#live));
    this.#grown = 0;
    const old = this.#file;
    // A replacement that failed may have come as far as the rename: what is appended goes on in the file that has the name.
    this.#file = undefined;
    await old?.close().catch(() => undefined);
    // What was appended is on disk. Where the file cannot be opened the next entry is refused, and tries again.
    this.#file = await this.#reopened().catch(() => undefined);
    // A full disk: the long file is as good as the short one, and it is tried again after the next megabyte.
    if (outcome.result === 'replaced') await this.#at('compacted');
  }

  async #reopened(): Promise<FileHandle> {
    const file = await openForAppend(this.#path);
    try {
      await syncDirectory(dirname(this.#path));
      this.#size = (await file.stat()).size;
      return file;
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
  }
}

/** Opens the journal in the agent's home: reads what a former run kept, and writes it anew without what is outdated. */
export async function openJournal(
  home: string,
  options: {
    /** Whose memory it has to be: that of another host is set aside. */
    readonly owner?: NodeId | undefined;
    /** The owner is about to become a member: that nothing of it is here is no loss. */
    readonly isNew?: boolean | undefined;
    readonly at?: ((step: JournalStep) => void | Promise<void>) | undefined;
  } = {},
): Promise<AgentJournal> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  await sweepTemps(home);
  const path = join(home, journalFileName);
  const { owner, isNew = false } = options;
  let bytes = await readBytes(path);
  const { contents: read, live } = loadJournal(bytes.toString('utf8'), owner);
  // What nobody can read goes with the next line, and that something is missing must outlast it.
  const isHoled = read.damagedLines > 0 || (owner !== undefined && !isNew && !live.has('owner'));
  const contents = isHoled ? { ...read, hole: {} } : read;
  if (isHoled) live.set('hole', writeEntryLine({ kind: 'hole', hole: {} }));
  if (contents.foreignOwner !== undefined) {
    await rename(path, `${join(home, foreignPrefix)}${contents.foreignOwner.slice(0, 12)}`);
    bytes = Buffer.alloc(0);
  }
  if (owner !== undefined) live.set('owner', writeEntryLine({ kind: 'owner', node: owner }));
  const compact = Buffer.from(textOf(live));
  const isCompact = compact.equals(bytes) || (await replaceFile(path, compact.toString('utf8'))).result === 'replaced';
  const file = await openForAppend(path);
  // Half a line must not swallow the next one.
  if (!isCompact) await file.truncate((await readBytes(path)).lastIndexOf('\n') + 1);
  await syncDirectory(home);
  const { size } = await file.stat();
  return new AgentJournal({ path, contents, live, file, size, at: options.at ?? (() => undefined) });
}

/** Whether a file of the agent's home is the journal of another host, set aside. */
export function isForeignJournal(name: string): boolean {
  return name.startsWith(foreignPrefix);
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

async function openForAppend(path: string): Promise<FileHandle> {
  return await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
}
