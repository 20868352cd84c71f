import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files under `folder` that hold one of the secrets, and how many bytes were searched. */
export async function searchSecrets(
  folder: string,
  secrets: readonly string[],
): Promise<{ readonly bytes: number; readonly files: readonly string[] }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  let bytes = 0;
  const files: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const content = await readFile(file);
    bytes += content.length;
    if (secrets.some(secret => content.includes(secret))) files.push(file);
  }
  return { bytes, files };
}
