import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { until } from './condition.ts';
import type { Entry } from './login.ts';

interface Contents {
  readonly version: number;
  readonly profiles: Readonly<Record<string, Entry>>;
  readonly [field: string]: unknown;
}

/** A credential store of one agent, as its OpenClaw sees it. */
export interface StoreFile {
  readonly path: string;
  exists(): boolean;
  bytes(): Buffer;
  /** Empty when the store is not there. */
  read(): Contents;
  entry(profile: string): Entry | undefined;
  /** Puts exactly this text there, whole. */
  write(text: string | Buffer): void;
  /** A sign-in or a refresh by the store's own OpenClaw. */
  put(profile: string, entry: Entry): void;
  remove(profile: string): void;
  /** Waits until the profile holds the secret of `entry`: the access token, the token or the key. */
  holds(profile: string, entry: Entry): Promise<void>;
}

/** The secret that a service accepts, whatever the entry's type calls it. */
export function secretOf(entry: Entry | undefined): unknown {
  return entry?.access ?? entry?.token ?? entry?.key;
}

export function storeFile(stateDir: string, agent: string): StoreFile {
  const path = join(stateDir, 'agents', agent, 'agent', 'auth-profiles.json');
  const read = (): Contents =>
    existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Contents) : { version: 1, profiles: {} };
  const write = (text: string | Buffer): void => {
    mkdirSync(dirname(path), { recursive: true });
    const temporary = `${path}.openclaw`;
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path);
  };
  const change = (profiles: Contents['profiles']): void =>
    write(`${JSON.stringify({ ...read(), profiles }, null, 2)}\n`);
  return {
    path,
    exists: () => existsSync(path),
    bytes: () => readFileSync(path),
    read,
    entry: profile => read().profiles[profile],
    write,
    put: (profile, entry) => change({ ...read().profiles, [profile]: entry }),
    remove(profile) {
      const { [profile]: _, ...others } = read().profiles;
      change(others);
    },
    holds: (profile, entry) =>
      until(`${profile} in ${path} holds the login`, () => secretOf(read().profiles[profile]) === secretOf(entry)),
  };
}
