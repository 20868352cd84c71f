import { isTest, type ProjectFile } from './tree.ts';

export const linesMax = 200;

/** Sources that may be longer, each with the reason. */
export const longFiles: Readonly<Record<string, string>> = {};

const vague = /(?:^|[-/.])(?:utils?|helpers?|common|managers?|misc|handlers?)(?=[-/.]|$)/;
const kebab = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/;
/** Names that others gave. */
const given = /(?:^|\/)(?:LICENSE|README\.md|CHANGELOG\.md|CONTRIBUTING\.md|SECURITY\.md)$/;

/** Names that say nothing, or are spelt in another way than the rest. */
export function findNameProblems(files: readonly ProjectFile[]): string[] {
  return files.flatMap(({ path }) => {
    const odd = path.split('/').find(part => !kebab.test(part));
    const problems: string[] = [];
    if (odd !== undefined && !given.test(path)) problems.push(`${path}: "${odd}" is not in kebab-case`);
    const found = vague.exec(path);
    if (found && path.endsWith('.ts'))
      problems.push(`${path}: "${found[0].replace(/^[-/.]/, '')}" says nothing; name the thing that it is about`);
    return problems;
  });
}

/** Sources that do too much to be read at one go. Tests, which are lists of examples, are exempt. */
export function findLengthProblems(
  sources: readonly ProjectFile[],
  exceptions: Readonly<Record<string, string>> = longFiles,
): string[] {
  const problems: string[] = [];
  for (const source of sources) {
    if (isTest(source)) continue;
    const lines = source.text.trimEnd().split('\n').length;
    const excuse = exceptions[source.path];
    if (lines > linesMax && excuse === undefined)
      problems.push(`${source.path} has ${lines} lines, ${linesMax} at most: find the second thing in it`);
    if (lines <= linesMax && excuse !== undefined)
      problems.push(`${source.path} is short enough: take it off the list of exceptions`);
  }
  for (const path of Object.keys(exceptions)) {
    if (!sources.some(source => source.path === path)) problems.push(`${path} is excused and does not exist`);
  }
  return problems;
}
