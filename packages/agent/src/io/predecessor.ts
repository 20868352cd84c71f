import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { readJson } from './formats/json-document.ts';

/**
 * A file that a rename is about to replace, held open.
 *
 * OpenClaw saves a login without its lock, by opening the store, truncating it and writing it anew. One that was opened
 * a moment before the rename goes into a file that has no name any more, and would be lost. Truncating comes with
 * opening, so that right after the rename the held file shows whether there is such a write, with no time in between.
 */
export interface Predecessor {
  /** What somebody wrote into it after it was read, once it is whole; undefined when nobody did. */
  lateText(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** A write of one small file; a busy disk draws it out. */
const wholeMs: Milliseconds = 2 * second;
const pauseMs: Milliseconds = 5;

/** Holds the file at `target`, from which `text` was read. Undefined when it cannot be opened any more. */
export async function holdPredecessor(target: string, text: string): Promise<Predecessor | undefined> {
  const file = await open(target, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (!file) return undefined;
  return {
    lateText: async () => {
      const deadline = performance.now() + wholeMs;
      for (;;) {
        const found = await readAll(file).catch(() => text);
        if (found === text) return undefined;
        if (readJson(found).state === 'read') return found;
        // Half a write that never ended is no last word.
        if (performance.now() >= deadline) return undefined;
        await delay(pauseMs);
      }
    },
    close: () => file.close(),
  };
}

/** From the first byte, however often: `readFile` of a handle goes on where it stopped. */
async function readAll(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(size);
  const { bytesRead } = await file.read(bytes, 0, size, 0);
  return bytes.toString('utf8', 0, bytesRead);
}
