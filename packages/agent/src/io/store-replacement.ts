import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { type ReplaceOptions, type ReplaceOutcome, replaceFile } from './durable-file.ts';
import { readJson } from './formats/json-document.ts';
import { type FileRead, isSameSignature, peekSignature } from './store-file.ts';

/**
 * Replaces a store that its owner may write without its lock: OpenClaw saves a login (a sign-in, `models auth
 * paste-token`) by opening the store, truncating it and writing it anew.
 *
 *     read ── check that it is unchanged ── rename ── look into the file that was replaced
 *
 * A save before the check is seen by it. One that opened the store between check and rename goes into a file without a
 * name. Truncating comes with opening, so right after the rename that file shows it, with no moment in between.
 */
export interface Replacement {
  readonly outcome: ReplaceOutcome;
  readonly missed?: Missed | undefined;
}

/** The store's last word, which the store lacks. */
export interface Missed {
  /** What was saved into the replaced file after it was read. */
  readonly late: string;
  /** What stands in the store instead. */
  readonly ours: string;
}

/** A save of a few kilobytes; a busy disk draws it out. */
const wholeMs: Milliseconds = second;
const pauseMs: Milliseconds = 5;

/** Puts `text` in place of what `read` found at `store`, unless somebody changed that in between. */
export async function replaceStore(
  store: string,
  read: FileRead,
  text: string,
  at?: ReplaceOptions['at'],
): Promise<Replacement> {
  const isUnchanged = (): boolean => {
    const now = peekSignature(store);
    return read.state === 'read' ? now !== undefined && isSameSignature(now, read.signature) : now === undefined;
  };
  if (read.state !== 'read') return { outcome: await replaceFile(store, text, { at, isUnchanged }) };
  const replaced = await open(read.target, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  // Gone: the check would say the same.
  if (!replaced) return { outcome: { result: 'overtaken' } };
  try {
    const outcome = await replaceFile(read.target, text, { at, isUnchanged });
    // A failure may come after the rename, when the folder cannot be synced.
    const late = outcome.result === 'overtaken' ? undefined : await lateText(replaced, read.text);
    return late === undefined ? { outcome } : { outcome, missed: { late, ours: text } };
  } finally {
    await replaced.close();
  }
}

/** What stands in the file if it isn't `text` any more, once it is whole; half a save that never ends is nobody's word. */
async function lateText(file: FileHandle, text: string): Promise<string | undefined> {
  const deadline = performance.now() + wholeMs;
  for (;;) {
    const found = await readFromStart(file);
    if (found === text || performance.now() >= deadline) return undefined;
    if (readJson(found).state === 'read') return found;
    await delay(pauseMs);
  }
}

/** `readFile` of a handle goes on where the last one stopped. */
async function readFromStart(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(size);
  const { bytesRead } = await file.read(bytes, 0, size, 0);
  return bytes.toString('utf8', 0, bytesRead);
}
