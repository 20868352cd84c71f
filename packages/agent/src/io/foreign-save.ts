import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { type FileSignature, isSameSignature, peekSignature } from './store-file.ts';

/*
 * OpenClaw 2026.4.5 to 2026.6.1 saves a sign-in without its lock: a temporary file `<store>.<uuid>.tmp`, synced, renamed. One
 * that is renamed between a look at the store and a rename of ours would be gone without a trace. It has been there for
 * milliseconds by then, and a look at the folder shows it.
 */

/** A save of a few kilobytes; a busy disk draws it out. What is older was left behind by a process that died. */
const saveMsMax: Milliseconds = second;
const pauseMs: Milliseconds = 2;

/**
 * Whether the file still is the one of this signature (undefined: there was none), and nobody is just saving another; `target` is
 * where it is, links followed. Asked right before a rename, which has to follow without a pause.
 */
export async function isUntouched(
  path: string,
  signature: FileSignature | undefined,
  target: string = path,
): Promise<boolean> {
  const deadline = performance.now() + saveMsMax;
  while (isBeingSaved(target) && performance.now() < deadline) await delay(pauseMs);
  const now = peekSignature(path);
  if (now === undefined || signature === undefined) return now === signature;
  return isSameSignature(now, signature);
}

function isBeingSaved(path: string): boolean {
  const [folder, prefix] = [dirname(path), `${basename(path)}.`];
  try {
    return readdirSync(folder).some(
      name =>
        name.startsWith(prefix) &&
        name.endsWith('.tmp') &&
        // Either way: a file of a clock that was ahead is no save that goes on.
        Math.abs(Date.now() - statSync(join(folder, name)).mtimeMs) < saveMsMax,
    );
  } catch {
    // It was renamed between the two calls, or the folder cannot be looked into: the signature says the rest.
    return false;
  }
}
