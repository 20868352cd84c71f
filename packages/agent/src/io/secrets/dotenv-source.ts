import { readFile } from 'node:fs/promises';
import { parseDotenv } from './dotenv-text.ts';
import { fileTrouble, type Lookup, lookedUp } from './lookup.ts';

/** Reads one key of a dotenv file. */
export async function readDotenv(path: string, key: string): Promise<Lookup> {
  const place = { source: path.slice(-200), kind: 'stored' } as const;
  try {
    const text = await readFile(path, 'utf8');
    return lookedUp(place, parseDotenv(text).findLast(one => one.key === key)?.value);
  } catch (error) {
    return { ...place, state: 'unreadable', why: fileTrouble(error) };
  }
}
