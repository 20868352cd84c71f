import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { type ReplaceOptions, replaceFile } from './durable-file.ts';
import { isUntouched } from './foreign-save.ts';
import { readJson } from './formats/json-document.ts';
import { putBack } from './put-back.ts';
import type { Replacement, StoreRead } from './store-port.ts';

/*
 * Replaces a store that its owner may write without its lock: OpenClaw saves a login (a sign-in, `models auth
 * paste-token`) by opening the store, truncating it and writing it anew.
 *
 *     read ── check that it is unchanged ── rename ── look into the file that was replaced
 *
 * A save before the check is seen by it, also one that is renamed into place (`foreign-save.ts`). One that opened the store
 * between check and rename goes into a file without a name. Truncating comes with opening, so right after the rename
 * that file shows it, with no moment in between.
 */

/** A save of a few kilobytes; a busy disk draws it out. */
const wholeMs: Milliseconds = second;
const pauseMs: Milliseconds = 5;

/** Puts `text` in place of what `read` found at `store`, unless somebody changed that in between. */
export async function replaceStore(
  store: string,
  read: StoreRead,
  text: string,
  { at, mayStill }: Pick<ReplaceOptions, 'at' | 'mayStill'> = {},
): Promise<Replacement> {
  const isUnchanged = () =>
    read.state === 'read' ? isUntouched(store, read.signature, read.target) : isUntouched(store, undefined);
  if (read.state !== 'read') return { outcome: await replaceFile(store, text, { at, mayStill, isUnchanged }) };
  const replaced = openIfThere(read.target);
  // Gone: the check would say the same.
  if (replaced === undefined) return { outcome: { result: 'overtaken' } };
  try {
    const outcome = await replaceFile(read.target, text, { at, mayStill, isUnchanged });
    // A failure may come after the rename, when the folder cannot be synced.
    const late =
      outcome.result === 'overtaken' || outcome.result === 'lapsed' ? undefined : await lateText(replaced, read.text);
    if (late === undefined) return { outcome };
    const missed = { late, ours: text };
    return { outcome, missed: { ...missed, putBack: deadline => putBack(store, missed, deadline) } };
  } finally {
    closeSync(replaced);
  }
}

/** What stands in the file if it isn't `text` any more, once it is whole; half a save that never ends is nobody's word. */
async function lateText(file: number, text: string): Promise<string | undefined> {
  const deadline = performance.now() + wholeMs;
  for (;;) {
    const found = readFromStart(file);
    if (found === text || performance.now() >= deadline) return undefined;
    if (readJson(found).state === 'read') return found;
    await delay(pauseMs);
  }
}

/** `readFileSync` of a descriptor goes on where the last one stopped. */
function readFromStart(file: number): string {
  const bytes = Buffer.alloc(fstatSync(file).size);
  const bytesRead = readSync(file, bytes, 0, bytes.length, 0);
  return bytes.toString('utf8', 0, bytesRead);
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
