import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, installPackage } from './installation.ts';

/** An installed OpenClaw: the package's own files and the program to run. */
export interface Release {
  readonly version: string;
  /** The folder of the package, with its `dist`. */
  readonly root: string;
  /** The program, run as `node entry …`. */
  readonly entry: string;
}

/**
 * Releases that the run covers when nobody names one, with what npm needs to install each from the registry alone:
 * The first two ask for a git dependency, 2026.2.12 also, by range, for a package that was never published.
 */
export const releases: Readonly<Record<string, Known>> = {
  '2026.2.12': { store: 'json', isLong: true, overrides: { libsignal: '6.0.0', linkedom: '0.18.12' } },
  '2026.3.13': { store: 'json', refreshesFromMemory: true, overrides: { libsignal: '6.0.0' } },
  '2026.3.28': { store: 'json', refreshesFromMemory: true, overrides: {} },
  '2026.4.9': { store: 'json', overrides: {} },
  '2026.5.28': { store: 'json', overrides: {} },
  '2026.7.1': { store: 'agent', overrides: {} },
  '2026.8.2': { store: 'shared', overrides: {} },
  '2026.9.6': { store: 'shared', refreshes: 'xai', overrides: {} },
};

interface Known {
  /** Where it keeps logins: in a file of each agent, in a database of each, or in one of all. */
  readonly store: 'json' | 'agent' | 'shared';
  /** A plugin whose provider's logins its `doctor` refreshes, behind a fence. */
  readonly refreshes?: string;
  /** Its gateway refreshes with what it once read. */
  readonly refreshesFromMemory?: boolean;
  /** The long run, with the store code of this very release. */
  readonly isLong?: boolean;
  readonly overrides: Readonly<Record<string, string>>;
}

/** The releases of the long run, or the others; `AUTHMESH_COMPAT_ONLY` names some, with commas between them. */
export function releasesFor(kind: 'long' | 'short'): readonly string[] {
  const only = process.env.AUTHMESH_COMPAT_ONLY?.split(',') ?? Object.keys(releases);
  return only.filter(one => one in releases && (releases[one]?.isLong === true) === (kind === 'long'));
}

/** The release, installed once. */
export async function installRelease(version: string): Promise<Release> {
  const known = releases[version];
  if (!known) throw new Error(`OpenClaw ${version} is not covered; covered are ${Object.keys(releases).join(', ')}`);
  const home = join(cacheFolder(), version);
  await installPackage(home, 'openclaw', version, known.overrides);
  const root = join(home, 'node_modules', 'openclaw');
  const found: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).version;
  if (found !== version) throw new Error(`${home} holds OpenClaw ${String(found)}: remove it`);
  return { version, root, entry: join(root, 'openclaw.mjs') };
}
