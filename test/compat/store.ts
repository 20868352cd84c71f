import { readFile } from 'node:fs/promises';

/** One profile of a store, as far as the run looks at it. */
export interface Profile {
  readonly type: string;
  readonly provider: string;
  readonly access?: string | undefined;
  readonly refresh?: string | undefined;
  readonly expires?: number | undefined;
  readonly [field: string]: unknown;
}

/** `auth-profiles.json` as 2026.2.12 writes it. */
export interface Store {
  readonly version: number;
  readonly profiles: Readonly<Record<string, Profile>>;
  readonly order?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly lastGood?: Readonly<Record<string, string>> | undefined;
  readonly usageStats?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
}

const tornMs = 5_000;

/** OpenClaw 2026.2.12 truncates before it writes, and a busy disk draws that out: an empty or half file is read again. */
export async function readStore(path: string): Promise<Store> {
  const deadline = performance.now() + tornMs;
  for (;;) {
    try {
      return JSON.parse(await readFile(path, 'utf8'));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      // The parser's own message may quote what it found.
      if (performance.now() > deadline) throw new Error(`${path} has been torn for ${tornMs} ms`);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }
}
