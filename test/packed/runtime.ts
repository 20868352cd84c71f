import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { isSupportedNode } from '@authmesh/shared/node/version';
import { loopbackAlone } from '../loopback.ts';
import { need } from './command.ts';

/** A Node to run the packages on. */
export interface Runtime {
  /** Without the `v`. */
  readonly version: string;
  /** The program. */
  readonly file: string;
}

/** The Node of this very process, from the workspace's devDependencies. */
export const ownRuntime: Runtime = { version: process.versions.node, file: process.execPath };

/** A Node of the range, from npm's package `node`, kept for later runs. */
export async function fetchRuntime(range: string): Promise<Runtime> {
  const cache = process.env.AUTHMESH_NODE_CACHE ?? join(homedir(), '.cache', 'authmesh', 'node');
  const home = join(cache, range);
  if (!existsSync(home)) {
    await mkdir(cache, { recursive: true });
    const building = await mkdtemp(join(cache, `.${range}-`));
    try {
      await writeFile(join(building, 'package.json'), '{ "private": true }\n');
      await need('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `node@${range}`], { cwd: building });
      await rename(building, home).catch((error: NodeJS.ErrnoException) => {
        // Another run was first; its installation is as good.
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(building, { recursive: true, force: true });
    }
  }
  return examine(join(home, 'node_modules', 'node', 'bin', 'node'));
}

/** The machine's own Node where it is too old for authmesh, else an old one from npm. */
export async function findOldRuntime(): Promise<Runtime> {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const file = join(folder, 'node');
    if (!existsSync(file)) continue;
    const runtime = await examine(file);
    if (!isSupportedNode(runtime.version)) return runtime;
  }
  return fetchRuntime('20');
}

/** An environment in which `node` is this runtime, and nothing of the caller's is left but its programs. */
export function environmentFor({ file }: Runtime, home: string): Readonly<Record<string, string | undefined>> {
  return { PATH: `${dirname(file)}:${process.env.PATH}`, HOME: home, NO_COLOR: '1', ...loopbackAlone };
}

async function examine(file: string): Promise<Runtime> {
  const said = await need(file, ['--version']);
  return { version: said.trim().replace(/^v/, ''), file };
}

/** The version that `package.json` of an installed package says. */
export async function installedVersion(folder: string, name: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
  return String(version);
}
