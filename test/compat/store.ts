import { readFile } from 'node:fs/promises';
import type { Entry } from '../e2e/harness/login.ts';
import { databaseStore } from '../e2e/harness/sqlite.ts';
import { type ProfileStore, storeFile } from '../e2e/harness/store-file.ts';
import { type Host, provider as providerId } from './host.ts';
import type { Login } from './provider.ts';
import { releases } from './release.ts';

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

/** Where this release keeps the main agent's logins. */
export function storeOf({ stateDir }: Host, version: string): ProfileStore {
  const form = releases[version]?.store;
  return form === 'json'
    ? storeFile(stateDir, 'main')
    : databaseStore(stateDir, form === 'agent' ? '2026.7' : '2026.9');
}

/** A login as OpenClaw's own sign-in stores it; the account id says that all hosts hold the same account. */
export function signedIn({ access, refresh, expires }: Login, provider: string = providerId): Entry {
  return { type: 'oauth', provider, access, refresh, expires, accountId: 'acct_compat' };
}

/** What stands in the place of a login. */
export function stateOf(found: Entry | undefined, { access }: Login): string {
  const held = String(found?.access);
  if (held === access) return found?.refresh === undefined ? 'without refresh token' : 'whole';
  if (!held.startsWith('openclaw-oauth-refresh-fence:')) return 'another';
  return held.includes(':failed:') ? 'failed' : 'pending';
}
