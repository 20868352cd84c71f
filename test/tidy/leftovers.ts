import { codeOf, commentsOf, importsOf } from './source.ts';
import { isTest, type ProjectFile } from './tree.ts';

/** Marks of unfinished work, and of checks that were told to look away. */
const marks: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/\b(?:TODO|FIXME|XXX|HACK)\b/, 'is unfinished work: finish it, or leave it to an issue'],
  [/@ts-(?:ignore|expect-error|nocheck)\b/, 'silences the compiler: make the types say what is true'],
  [
    /\b(?:biome|eslint|prettier)-ignore\b|\beslint-disable\b/,
    'silences the linter: follow the rule, or change it for all',
  ],
];

/** Comments that must not stay. */
export function findMarks(sources: readonly ProjectFile[]): string[] {
  return sources.flatMap(source => {
    const comments = commentsOf(source);
    return marks.flatMap(([pattern, meaning]) => {
      const found = pattern.exec(comments);
      return found ? [`${source.path}: ${found[0]} ${meaning}`] : [];
    });
  });
}

const skipped =
  /\b(?:it|test|describe|bench)\.(?:skip|only|todo|skipIf|runIf|fails)\b|\b(?:xit|xdescribe|fit|fdescribe)\(/;
const asserts = /\bexpect\s*(?:[.(<])|\bassert\s*[.(]/;

/** Tests that do not run, that keep others from running, or that cannot fail. */
export function findIdleTests(sources: readonly ProjectFile[]): string[] {
  return sources.filter(isTest).flatMap(source => {
    const code = codeOf(source);
    const problems: string[] = [];
    const found = skipped.exec(code);
    if (found) problems.push(`${source.path}: ${found[0]} keeps tests from running: mend or delete them`);
    if (!asserts.test(code) && !sharesSuite(source))
      problems.push(`${source.path} has no assertion, so it cannot fail`);
    return problems;
  });
}

/** A suite that several tests share brings its assertions along. */
function sharesSuite(source: ProjectFile): boolean {
  return importsOf(source).some(({ specifier, isType }) => !isType && specifier.endsWith('-contract.ts'));
}
