import { dirname, join } from 'node:path';
import type { ProfileId } from '@authmesh/shared/core/identifiers';
import { liftAuthMarks } from './auth-profiles.ts';
import { replaceFile } from './durable-file.ts';
import { isUntouched } from './foreign-save.ts';
import { type FileRead, type FileSignature, isMissing, peekSignature, readStoreFile } from './store-file.ts';

/** From 2026.4.7 on OpenClaw keeps its marks here; the store's lock covers it. */
export const stateFileName = 'auth-state.json';

/** The text of the file of marks beside a store; undefined where there is none that can be read. */
export function readStateBeside(store: string): string | undefined {
  const read = readBeside(store);
  return read?.state === 'read' ? read.text : undefined;
}

/** What changes whenever that file does. */
export function peekBeside(store: string): FileSignature | undefined {
  return peekSignature(join(dirname(store), stateFileName));
}

/** Most stores have no such file, and are read on each touch: a look is a tenth of a failed attempt to read. */
function readBeside(store: string): FileRead | undefined {
  const path = join(dirname(store), stateFileName);
  return isMissing(path) ? undefined : readStoreFile(path);
}

/**
 * Lifts the profiles' marks of failed authentication in the file beside `store`. The credential stands already: marks
 * that stay only delay the agent, so trouble here fails nothing and is told as a sentence. Resolves with whether any was lifted.
 */
export async function liftMarksBeside(
  store: string,
  profiles: readonly ProfileId[],
  onTrouble: ((sentence: string) => void) | undefined,
): Promise<boolean> {
  const read = profiles.length > 0 ? readBeside(store) : undefined;
  if (read?.state !== 'read') return false;
  const path = join(dirname(store), stateFileName);
  const text = profiles.reduce(liftAuthMarks, read.text);
  if (text === read.text) return false;
  const outcome = await replaceFile(read.target, text, {
    isUnchanged: () => isUntouched(path, read.signature, read.target),
  });
  if (outcome.result === 'failed') onTrouble?.(`the cooldown in ${path} stays: ${outcome.reason}`);
  return outcome.result === 'replaced';
}
