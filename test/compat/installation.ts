import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const installMs = 15 * 60_000;

/** Where real programs are kept between runs; `AUTHMESH_COMPAT_CACHE` names another folder. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return environment.AUTHMESH_COMPAT_CACHE ?? join(homedir(), '.cache', 'authmesh', 'openclaw');
}

/**
 * Installs one version of a package from npm into `home`, unless it is there. It is made beside its final place and
 * renamed when complete, so that an interrupted installation is never taken for one, and two runs at once do not disturb
 * each other.
 */
export async function installPackage(
  home: string,
  name: string,
  version: string,
  overrides: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (existsSync(home)) return;
  await mkdir(dirname(home), { recursive: true });
  const building = await mkdtemp(join(dirname(home), `.${basename(home)}-`));
  try {
    const manifest = { name: 'compat-host', private: true, dependencies: { [name]: version }, overrides };
    await writeFile(join(building, 'package.json'), JSON.stringify(manifest, null, 2));
    await npmInstall(building);
    await rename(building, home).catch((error: NodeJS.ErrnoException) => {
      // Another run was first; its installation is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
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
