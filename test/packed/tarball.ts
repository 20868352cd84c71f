import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { need } from './command.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bins = join(root, 'node_modules', '.bin');
export const packages = ['shared', 'agent', 'coordinator'] as const;

/** A package as it would be published. */
export interface Tarball {
  readonly name: string;
  readonly file: string;
  /** The unpacked package. */
  readonly contents: string;
}

/** Builds from nothing, so that no output of a deleted source is packed. */
export async function build(): Promise<void> {
  for (const name of packages) await rm(join(root, 'packages', name, 'dist'), { recursive: true, force: true });
  await need('npm', ['run', '--silent', 'build'], { cwd: root });
}

/** Packs one package with the workspace's own pnpm, and unpacks what came out. */
export async function pack(name: string, folder: string): Promise<Tarball> {
  const destination = join(folder, name);
  await mkdir(destination, { recursive: true });
  await need('npx', ['--yes', 'pnpm@12', 'pack', '--pack-destination', destination], {
    cwd: join(root, 'packages', name),
  });
  const [packed] = (await readdir(destination)).filter(entry => entry.endsWith('.tgz'));
  if (packed === undefined) throw new Error(`pnpm pack made no tarball of ${name}`);
  const file = join(destination, packed);
  await need('tar', ['-xzf', file, '-C', destination]);
  return { name, file, contents: join(destination, 'package') };
}

/** Everything that is wrong with the package's contents; each a sentence. */
export async function examineContents({ name, contents }: Tarball): Promise<string[]> {
  const problems: string[] = [];
  const entries = await readdir(contents, { recursive: true, withFileTypes: true });
  const files = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(contents.length + 1));
  for (const file of files) {
    const isSource = file.endsWith('.ts') && !file.endsWith('.d.ts');
    if (isSource || /\.test\.|\.tsbuildinfo$|\.map$|-contract\./.test(file))
      problems.push(`${name}: ${file} does not belong into the package`);
  }
  for (const needed of ['LICENSE', 'README.md', 'package.json', ...schemasOf(name)])
    if (!files.includes(needed)) problems.push(`${name}: ${needed} is missing`);
  const manifest: unknown = JSON.parse(await readFile(join(contents, 'package.json'), 'utf8'));
  for (const path of pathsIn(manifest)) {
    if (path.includes('src/')) problems.push(`${name}: package.json points to ${path}`);
  }
  for (const file of binsOf(manifest)) {
    const { mode } = await stat(join(contents, file));
    if ((mode & 0o111) === 0) problems.push(`${name}: ${file} is not executable`);
    const text = await readFile(join(contents, file), 'utf8');
    if (!text.startsWith('#!/usr/bin/env node\n')) problems.push(`${name}: ${file} has no line for the kernel`);
    // What a build leaves behind is run by a service and by people, too.
    const built = await stat(join(root, 'packages', name, file));
    if ((built.mode & 0o111) === 0) problems.push(`${name}: the built ${file} is not executable`);
  }
  const libraries = await librariesOf(contents, files);
  for (const library of Object.keys(dependenciesOf(manifest))) {
    if (!libraries.has(library)) problems.push(`${name}: ${library} is a dependency and never imported`);
  }
  for (const library of libraries) {
    const isItself = library === `@authmesh/${name}`;
    if (!isItself && !(library in dependenciesOf(manifest)))
      problems.push(`${name}: ${library} is imported and no dependency`);
  }
  return problems;
}

/** publint on the tarball, and attw where it has types: every module is an entry point. Throws with what they found. */
export async function lint({ name, file, contents }: Tarball): Promise<void> {
  await need(join(bins, 'publint'), [file, '--strict', '--pack', 'false']);
  const modules = (await readdir(join(contents, 'dist'), { recursive: true }))
    .filter(entry => entry.endsWith('.d.ts'))
    .map(entry => entry.slice(0, -'.d.ts'.length));
  if (modules.length === 0) return;
  const flags = ['--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji'];
  await need(join(bins, 'attw'), [file, ...flags, '--entrypoints', ...modules], { cwd: join(root, 'packages', name) });
}

/** The packages that the code of a tarball imports by name. */
async function librariesOf(contents: string, files: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const file of files.filter(one => one.endsWith('.js'))) {
    const text = await readFile(join(contents, file), 'utf8');
    for (const [, imported, loaded] of text.matchAll(
      /^(?:import|export)\b(?:[^'";=]*\bfrom)?\s*["']([^."'][^"']*)["']|\bimport\(\s*["']([^."'][^"']*)["']\s*\)/gm,
    )) {
      const specifier = imported ?? loaded ?? '';
      if (!specifier.startsWith('node:')) found.add(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
    }
  }
  return found;
}

function dependenciesOf(manifest: unknown): Readonly<Record<string, string>> {
  return (manifest as { readonly dependencies?: Readonly<Record<string, string>> }).dependencies ?? {};
}

function schemasOf(name: string): string[] {
  return name === 'shared' ? [] : [`schema/${name}.schema.json`];
}

function binsOf(manifest: unknown): string[] {
  const { bin = {} } = manifest as { readonly bin?: Readonly<Record<string, string>> };
  return Object.values(bin);
}

/** Every path of `bin` and `exports`. */
function pathsIn(manifest: unknown): string[] {
  const { bin, exports } = manifest as Readonly<Record<string, unknown>>;
  return [bin, exports].flatMap(leavesOf);
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : [];
}
