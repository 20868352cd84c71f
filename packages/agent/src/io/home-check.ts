import { rm, writeFile } from 'node:fs/promises';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { systemReason } from '@authmesh/shared/node/errors';
import { tempPath } from './durable-file.ts';

/** `status --watch` asks every second. */
const verdictMs: Milliseconds = 5 * second;
/** More than a file system keeps beside a file's name: that would fit a disk that is full. */
const probe = ' '.repeat(4_096);

/** Why a folder takes no files, in words; undefined where it does. */
export async function findWriteTrouble(folder: string): Promise<string | undefined> {
  const file = tempPath(folder);
  try {
    await writeFile(file, probe, { mode: 0o600, flag: 'wx' });
    return undefined;
  } catch (error) {
    return systemReason(error);
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

/** Looks whether the folder takes files, once for all who ask within 5 s. */
export function createHomeCheck(
  folder: string,
  now: () => Milliseconds = () => performance.now(),
): () => Promise<string | undefined> {
  let verdict: Promise<string | undefined> | undefined;
  let goodUntil = 0;
  return () => {
    if (verdict && now() < goodUntil) return verdict;
    goodUntil = now() + verdictMs;
    verdict = findWriteTrouble(folder);
    return verdict;
  };
}
