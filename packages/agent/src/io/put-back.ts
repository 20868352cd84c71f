import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Milliseconds } from '@authmesh/shared/core/time';
import { readJson } from './formats/json-document.ts';
import { errorCode, locate, readStoreFile } from './store-file.ts';

const pauseMs: Milliseconds = 250;

/**
 * Gives `store` the last word that it lacks, as it was saved, in place like its owner: where no second file can be
 * made, or the text is none to edit, this still goes. Tried until `deadline` (of `performance.now()`), once at least.
 * Returns the system's name of what stood in the way, if it could not be.
 */
export async function putBack(
  store: string,
  missed: { readonly late: string; readonly ours: string },
  deadline: Milliseconds,
): Promise<string | undefined> {
  for (;;) {
    const found = readStoreFile(store);
    if (found.state !== 'read') return undefined;
    const isOurs = found.text === missed.ours;
    // Somebody has saved the store anew since: that is its last word.
    if (!isOurs && readJson(found.text).state === 'read') return undefined;
    const isLast = performance.now() >= deadline;
    // A half one may be in the middle of a save, which two writers would only mix up.
    if (isOurs || isLast) {
      const problem = overwrite(locate(store), missed.late, found.text);
      if (problem === undefined || isLast) return problem;
    }
    await delay(pauseMs);
  }
}

/** Never truncates first: what was there needs no room, so that it can come back when the new text finds none. */
function overwrite(path: string, text: string, before: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      fill(file, text);
    } catch (error) {
      fill(file, before);
      throw error;
    }
    return undefined;
  } catch (error) {
    return errorCode(error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function fill(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; )
    written += writeSync(file, bytes, written, bytes.length - written, written);
  ftruncateSync(file, bytes.length);
  fsyncSync(file);
}
