import { randomBytes } from 'node:crypto';
import { type FSWatcher, mkdirSync, readFileSync, renameSync, watch, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { monotonicMs } from './statistics.ts';

/** A store of about 4 KB with four logins, the first of which is renewed. */
export interface LoginStore {
  /** The text with a login that never was before. */
  readonly renewed: () => { readonly text: string; readonly access: string };
  readonly text: () => string;
}

const hour = 3_600_000;
const tokenBytes = 520;

export function createLoginStore(): LoginStore {
  const profiles: Record<string, Record<string, unknown>> = {};
  for (const name of ['one', 'two', 'three', 'four']) {
    const accountId = `acct_${name}`;
    profiles[`openai-codex:${name}`] = { type: 'oauth', provider: 'openai-codex', ...renewal(), accountId };
  }
  const store = { version: 1, profiles, usageStats: { 'openai-codex:one': { lastUsed: Date.now() } } };
  const text = () => `${JSON.stringify(store, null, 2)}\n`;
  return {
    text,
    renewed() {
      const fresh = renewal();
      Object.assign(profiles['openai-codex:one'] ?? {}, fresh);
      return { text: text(), access: fresh.access };
    },
  };
}

let expires = Date.now() + 8 * hour;

function renewal() {
  const secret = (): string => randomBytes(tokenBytes).toString('base64url');
  expires += 1_000;
  return { access: secret(), refresh: randomBytes(48).toString('base64url'), expires };
}

/** Saves a store as OpenClaw does: whole, under another name, renamed. */
export function save(path: string, text: string): void {
  const temporary = `${path}.saving`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Waits at the file `path` for texts, on the kernel's events alone. */
export interface Arrivals {
  /** When the file held `wanted`, by `monotonicMs`; undefined when it did not within the time. */
  readonly of: (wanted: string, timeoutMs: number) => Promise<number | undefined>;
  readonly close: () => void;
}

export function watchArrivals(path: string): Arrivals {
  let look: (() => void) | undefined;
  const watcher: FSWatcher = watch(dirname(path), (_, name) => {
    if (name === basename(path)) look?.();
  });
  const holds = (wanted: string): boolean => {
    try {
      return readFileSync(path, 'utf8').includes(wanted);
    } catch {
      return false;
    }
  };
  return {
    of: (wanted, timeoutMs) =>
      new Promise(resolve => {
        const end = (at: number | undefined) => {
          clearTimeout(deadline);
          look = undefined;
          resolve(at);
        };
        const deadline = setTimeout(() => end(holds(wanted) ? monotonicMs() : undefined), timeoutMs);
        look = () => {
          if (holds(wanted)) end(monotonicMs());
        };
        look();
      }),
    close: () => watcher.close(),
  };
}

/** A store on each of two hosts, in a folder of its own. */
export function makeFiles(folder: string, text: string): readonly [source: string, target: string] {
  const fileOf = (host: string): string => {
    mkdirSync(join(folder, host), { recursive: true });
    const file = join(folder, host, 'auth-profiles.json');
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return [fileOf('a'), fileOf('b')];
}
