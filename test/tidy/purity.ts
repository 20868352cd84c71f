import { codeOf, importsOf, libraryOf, resolveSpecifier } from './source.ts';
import { isTest, type ProjectFile } from './tree.ts';

const core = /^packages\/[^/]+\/src\/core\//;

/** What a core must not name, with what takes its place. */
const forbidden: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bDate\b/, 'time comes with the event'],
  [/\bperformance\b/, 'time comes with the event'],
  [/\bMath\.random\b/, 'chance comes with the event, as its seed'],
  [/\bPromise\b|\basync\b|\bawait\b/, 'a transition is synchronous: what takes time is an effect, its result an event'],
  [/\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/, 'a timer is an effect'],
  [/\bconsole\b/, 'a core speaks through `note` effects'],
  [/\bprocess\b|\bglobalThis\b|\bBuffer\b/, 'a core knows no Node'],
];

/** Where a core is not pure: what it names, and what it would load when it runs. */
export function findPurityProblems(sources: readonly ProjectFile[]): string[] {
  const byPath = new Map(sources.map(source => [source.path, source]));
  const problems: string[] = [];
  for (const source of sources) {
    if (!core.test(source.path) || isTest(source)) continue;
    const code = codeOf(source);
    for (const [pattern, instead] of forbidden) {
      const found = pattern.exec(code);
      if (found) problems.push(`${source.path} names ${found[0]}: ${instead}`);
    }
    for (const { specifier } of importsOf(source)) {
      const isForeign = resolveSpecifier(source.path, specifier) === undefined;
      if (isForeign) problems.push(`${source.path} imports ${specifier}: a core is plain language and imports none`);
    }
    for (const { library, chain } of loadedBy(source, byPath)) {
      if (chain.length > 1)
        problems.push(
          `${chain.join(' → ')} → ${library}: a core loads no library; import the type alone, or move the value to a file without one`,
        );
    }
  }
  return problems;
}

/** Libraries that run when the source is loaded, each by the shortest way to it. */
function loadedBy(
  start: ProjectFile,
  byPath: ReadonlyMap<string, ProjectFile>,
): { readonly library: string; readonly chain: readonly string[] }[] {
  const found = new Map<string, readonly string[]>();
  const seen = new Set([start.path]);
  const queue: (readonly [ProjectFile, readonly string[]])[] = [[start, [start.path]]];
  for (const [source, chain] of queue) {
    for (const { specifier, isType } of importsOf(source)) {
      if (isType) continue;
      const target = resolveSpecifier(source.path, specifier);
      if (target === undefined) {
        const library = libraryOf(specifier);
        if (!found.has(library)) found.set(library, chain);
        continue;
      }
      const next = byPath.get(target);
      if (!next || seen.has(target)) continue;
      seen.add(target);
      queue.push([next, [...chain, target]]);
    }
  }
  return [...found].map(([library, chain]) => ({ library, chain }));
}
