import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runToEnd } from './program.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const packages = ['agent', 'coordinator'] as const;

/** The programs as a user's host has them: compiled, with the published entry points, and nothing of the workspace. */
export interface Installation {
  readonly agent: string;
  readonly coordinator: string;
}

interface Manifest {
  readonly publishConfig: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>> | undefined;
}

/** Builds the packages and lays them out in `folder` as `npm install` would; the libraries stay where pnpm has them. */
export async function install(folder: string): Promise<Installation> {
  await runToEnd('npm', ['run', '--prefix', root, '--silent', 'build'], folder);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@authmesh'), { recursive: true });
  for (const name of packages) {
    const source = join(root, 'packages', name);
    const target = join(modules, '@authmesh', name);
    const { publishConfig, ...manifest } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest;
    cpSync(join(source, 'dist', 'bin'), join(target, 'dist', 'bin'), { recursive: true });
    writeFileSync(join(target, 'package.json'), JSON.stringify({ ...manifest, ...publishConfig }));
    for (const dependency of Object.keys(manifest.dependencies ?? {})) link(source, modules, dependency);
  }
  const programs = join(modules, '@authmesh');
  return {
    agent: join(programs, 'agent', 'dist', 'bin', 'authmesh-agent.js'),
    coordinator: join(programs, 'coordinator', 'dist', 'bin', 'authmesh-coordinator.js'),
  };
}

function link(source: string, modules: string, dependency: string): void {
  if (readdirSync(modules).includes(dependency)) return;
  symlinkSync(realpathSync(join(source, 'node_modules', dependency)), join(modules, dependency));
}
