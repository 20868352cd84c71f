import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

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
  '2026.3.13': { store: 'json', overrides: { libsignal: '6.0.0' } },
  '2026.3.28': { store: 'json', overrides: {} },
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
  /** The long run, with the store code of this very release. */
  readonly isLong?: boolean;
  readonly overrides: Readonly<Record<string, string>>;
}

/** The releases of the long run, or the others; `AUTHMESH_COMPAT_ONLY` names some, with commas between them. */
export function releasesFor(kind: 'long' | 'short'): readonly string[] {
  const only = process.env.AUTHMESH_COMPAT_ONLY?.split(',') ?? Object.keys(releases);
  return only.filter(version => (releases[version]?.isLong === true) === (kind === 'long'));
}

const installMs = 15 * 60_000;

/** Where releases are kept between runs; `AUTHMESH_COMPAT_CACHE` names another folder. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return environment.AUTHMESH_COMPAT_CACHE ?? join(homedir(), '.cache', 'authmesh', 'openclaw');
}

/**
 * The release, installed once. The installation is made beside its final place and renamed when complete,
 * so that an interrupted one is never taken for a release, and two runs at once do not disturb each other.
 */
export async function installRelease(version: string, cache: string = cacheFolder()): Promise<Release> {
  const known = releases[version];
  if (!known) throw new Error(`OpenClaw ${version} is not covered; covered are ${Object.keys(releases).join(', ')}`);
  const home = join(cache, version);
  const release = (): Release => {
    const root = join(home, 'node_modules', 'openclaw');
    return { version, root, entry: join(root, 'openclaw.mjs') };
  };
  if (existsSync(home)) return release();
  await mkdir(cache, { recursive: true });
  const building = await mkdtemp(join(cache, `.${version}-`));
  try {
    const manifest = {
      name: 'openclaw-host',
      private: true,
      dependencies: { openclaw: version },
      overrides: known.overrides,
    };
    await writeFile(join(building, 'package.json'), JSON.stringify(manifest, null, 2));
    await npmInstall(building);
    const found: unknown = JSON.parse(
      await readFile(join(building, 'node_modules', 'openclaw', 'package.json'), 'utf8'),
    ).version;
    if (found !== version) throw new Error(`npm installed OpenClaw ${String(found)} where ${version} was asked for`);
    await rename(building, home).catch((error: NodeJS.ErrnoException) => {
      // Another run was first; its installation is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return release();
}

/** No package's own scripts are run: nothing here needs a native build, and nothing foreign runs unasked. */
function npmInstall(folder: string): Promise<void> {
  const flags = ['--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  return new Promise((resolve, reject) => {
    const npm = spawn('npm', ['install', ...flags], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: installMs,
    });
    let complaint = '';
    npm.stderr.on('data', chunk => {
      complaint = (complaint + String(chunk)).slice(-4_000);
    });
    npm.on('error', reject);
    npm.on('close', code =>
      code === 0 ? resolve() : reject(new Error(`npm install in ${folder} ended with ${code}: ${complaint}`)),
    );
  });
}
