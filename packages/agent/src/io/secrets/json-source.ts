import { readFile, stat } from 'node:fs/promises';
import { fileTrouble, type Lookup, lookedUp, parsedJson, textAt } from './lookup.ts';

const bytesMax = 1024 * 1024;

/** Reads what `pointer` names in a JSON file. */
export async function readJson(path: string, pointer: string): Promise<Lookup> {
  const place = { source: `${path} ${pointer}`.slice(-200), kind: 'stored' } as const;
  try {
    if ((await stat(path)).size > bytesMax) return { ...place, state: 'unreadable', why: 'it is larger than 1 MiB' };
    const document = parsedJson(await readFile(path, 'utf8'));
    if (!document) return { ...place, state: 'unreadable', why: 'it is no JSON' };
    const found = textAt(document.value, pointer);
    return 'why' in found ? { ...place, state: 'unreadable', why: found.why } : lookedUp(place, found.text);
  } catch (error) {
    return { ...place, state: 'unreadable', why: fileTrouble(error) };
  }
}
