import { posix } from 'node:path';
import type { ProjectFile } from './tree.ts';

/** One import of a source, by the word after `from`. */
export interface Import {
  readonly specifier: string;
  /** Gone when the program runs. */
  readonly isType: boolean;
}

const statement =
  /(?:^|\n)\s*(?:import|export)\s+(?:(type\s)?([^'";]*?)\sfrom\s+)?'([^'\n]+)'|\bimport\(\s*'([^'\n]+)'\s*\)/g;

/** What a source imports, re-exports and loads. */
export function importsOf({ text }: ProjectFile): readonly Import[] {
  return [...text.matchAll(statement)].map(([, type, names = '', specifier, loaded]) => ({
    specifier: specifier ?? loaded ?? '',
    isType: type !== undefined || areTypes(names),
  }));
}

/** Whether every name of `{ type A, type B }` is a type. */
function areTypes(names: string): boolean {
  const listed = /^\s*\{([^}]*)\}\s*$/.exec(names)?.[1];
  const parts = listed?.split(',').filter(part => part.trim() !== '') ?? [];
  return parts.length > 0 && parts.every(part => /^\s*type\s/.test(part));
}

/**
 * The path of the project's own source that a specifier means, the way the packages export themselves; undefined when
 * it is not one of ours.
 */
export function resolveSpecifier(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(from), specifier));
  const [, name, path] = /^@authmesh\/([^/]+)\/(.+)$/.exec(specifier) ?? [];
  return name === undefined ? undefined : `packages/${name}/src/${path}.ts`;
}

/** The name of the package that a specifier names: `ws`, `@scope/name`, `node:fs`. */
export function libraryOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const token =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[(,=:[!&|?{};\n]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/[a-z]*/g;

/** The source without comments, texts and regular expressions: what is left is code, line by line. */
export function codeOf({ text }: ProjectFile): string {
  return text.replace(token, found => found.replace(/[^\n]/g, ' '));
}

/** The comments alone. */
export function commentsOf({ text }: ProjectFile): string {
  return [...text.matchAll(token)].flatMap(([found]) => (/^\/[/*]/.test(found) ? [found] : [])).join('\n');
}
