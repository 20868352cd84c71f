import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the project, its path relative to the root with `/`. */
export interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Made by a build, an installation or git; a `.git` may be a file. */
const skipped: ReadonlySet<string> = new Set(['.git', '.cache', 'node_modules', 'dist', 'coverage']);

/** Every file of the working tree that a person wrote, or that stands in for one. */
export function readTree(): readonly ProjectFile[] {
  return walk('');
}

/** The TypeScript sources among them. */
export function sourcesOf(tree: readonly ProjectFile[]): readonly ProjectFile[] {
  return tree.filter(({ path }) => path.endsWith('.ts'));
}

/** Tests, and the suites that several of them share. */
export function isTest({ path }: ProjectFile): boolean {
  return /(?:\.test|-contract)\.ts$/.test(path);
}

function walk(folder: string): ProjectFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (skipped.has(entry.name)) return [];
    if (entry.isDirectory()) return walk(path);
    return entry.isFile() ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : [];
  });
}
