import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { until } from './condition.ts';
import type { Entry } from './login.ts';

interface Contents {
  readonly version: number;
  readonly profiles: Readonly<Record<string, Entry>>;
  readonly [field: string]: unknown;
}

/** Its order of each provider's profiles, and their use. */
interface State {
  readonly order?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly usageStats?: Readonly<Record<string, Entry>> | undefined;
}

/** Where an OpenClaw keeps logins, as it sees them itself. */
export interface ProfileStore {
  readonly path: string;
  /** Empty when the store is not there. */
  read(): Contents;
  entry(profile: string): Entry | undefined;
  /** What OpenClaw noted beside the credentials, wherever this release keeps that. */
  state(): State;
  /** A sign-in or a refresh by the store's own OpenClaw. */
  put(profile: string, entry: Entry): void;
  remove(profile: string): void;
  /** Waits until the profile holds the secret of `entry`: the access token, the token or the key. */
  holds(profile: string, entry: Entry): Promise<void>;
}

/** A store that is a file of one agent. */
export interface StoreFile extends ProfileStore {
  exists(): boolean;
  bytes(): Buffer;
  /** Puts exactly this text there, whole. */
  write(text: string | Buffer): void;
}

/** The secret that a service accepts, whatever the entry's type calls it. */
export function secretOf(entry: Entry | undefined): unknown {
  return entry?.access ?? entry?.token ?? entry?.key;
}

/** A store whose text stands wherever these two say. */
export function profileStore(
  path: string,
  text: {
    readonly read: () => string | undefined;
    readonly readState: () => string | undefined;
    readonly write: (text: string) => void;
  },
): ProfileStore {
  const read = (): Contents => {
    const found = text.read();
    return found === undefined ? { version: 1, profiles: {} } : (JSON.parse(found) as Contents);
  };
  const change = (profiles: Contents['profiles']): void =>
    text.write(`${JSON.stringify({ ...read(), profiles }, null, 2)}\n`);
  return {
    path,
    read,
    entry: profile => read().profiles[profile],
    state: () => JSON.parse(text.readState() ?? '{}') as State,
    put: (profile, entry) => change({ ...read().profiles, [profile]: entry }),
    remove(profile) {
      const { [profile]: _, ...others } = read().profiles;
      change(others);
    },
    holds: (profile, entry) =>
      until(`${profile} in ${path} holds the login`, () => secretOf(read().profiles[profile]) === secretOf(entry)),
  };
}

export function storeFile(stateDir: string, agent: string): StoreFile {
  const path = join(stateDir, 'agents', agent, 'agent', 'auth-profiles.json');
  const write = (text: string | Buffer): void => {
    mkdirSync(dirname(path), { recursive: true });
    const temporary = `${path}.openclaw`;
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path);
  };
  const beside = join(dirname(path), 'auth-state.json');
  const readIfThere = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);
  const store = profileStore(path, {
    read: () => readIfThere(path),
    readState: () => readIfThere(beside) ?? readIfThere(path),
    write,
  });
  return { ...store, exists: () => existsSync(path), bytes: () => readFileSync(path), write };
}
