import { join } from 'node:path';
import { readPrivateJson, writePrivateJson } from '@authmesh/shared/node/private-file';
import { z } from 'zod';

const addressFile = z.object({ urls: z.array(z.string()) });

/** Keeps the addresses under which the coordinator was last started, for `code` while it is stopped. */
export async function recordAddress(dataDir: string, urls: readonly string[]): Promise<void> {
  await writePrivateJson(join(dataDir, 'address.json'), { urls });
}

/** The addresses of the last start; empty before there was one. */
export async function readAddress(dataDir: string): Promise<readonly string[]> {
  return (await readPrivateJson(join(dataDir, 'address.json'), addressFile))?.urls ?? [];
}
