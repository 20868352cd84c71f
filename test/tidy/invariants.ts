import { isTest, type ProjectFile } from './tree.ts';

export const invariantsPage = 'docs/invariants.md';

/** What keeps an invariant: a test, or a checker of the simulator. */
function isEnforcer(source: ProjectFile): boolean {
  return isTest(source) || source.path.startsWith('test/simulation/checkers/');
}

/** Numbers that the page lists and nothing enforces, and numbers that are cited and not listed. */
export function findInvariantProblems(page: string | undefined, sources: readonly ProjectFile[]): string[] {
  if (page === undefined) return [`${invariantsPage} does not exist: it lists every invariant by its number`];
  const listed = new Set([...page.matchAll(/^[\s|*#-]*`?I(\d+)\b/gm)].map(([, number]) => Number(number)));
  const problems: string[] = [];
  if (listed.size === 0) problems.push(`${invariantsPage} lists no invariant`);
  const enforced = new Set<number>();
  for (const source of sources) {
    for (const [, digits] of source.text.matchAll(/(?<![\w"'`-])(?:['(]\s*)?I([1-9]\d?)\b(?=[):'.,; ])/g)) {
      const number = Number(digits);
      if (!listed.has(number)) problems.push(`${source.path} cites I${number}, which ${invariantsPage} does not list`);
      if (isEnforcer(source)) enforced.add(number);
    }
  }
  for (const number of listed) {
    if (!enforced.has(number)) problems.push(`no test and no checker cites I${number}: nothing says that it holds`);
  }
  for (let number = 1; number <= listed.size; number++) {
    if (!listed.has(number)) problems.push(`${invariantsPage} skips I${number}`);
  }
  return [...new Set(problems)];
}
