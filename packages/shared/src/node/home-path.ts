import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** A path as an operator writes it: `~` is the home folder, the rest is relative to `base`. */
export function expandPath(path: string, base: string = process.cwd()): string {
  if (path === '~') return homedir();
  if (path.startsWith('~/')) return join(homedir(), path.slice(2));
  return isAbsolute(path) ? path : resolve(base, path);
}

export interface HomeChoice {
  /** Value of the flag, when it was given. */
  readonly flag?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Name of the environment variable. */
  readonly variable: string;
  readonly fallback: string;
}

/** A program's own folder: flag, else environment, else default. */
export function chooseHome({ flag, environment, variable, fallback }: HomeChoice): string {
  return expandPath(flag || environment[variable] || fallback);
}
