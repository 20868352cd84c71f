import { describe, expect, it } from 'vitest';
import { findLengthProblems, findNameProblems, linesMax } from './files.ts';
import { findInvariantProblems } from './invariants.ts';
import { findIdleTests, findMarks } from './leftovers.ts';
import { findLibraryProblems } from './libraries.ts';
import { findPurityProblems } from './purity.ts';
import { findRingProblems } from './rings.ts';
import { findMachinePaths, findSecrets } from './secrets.ts';
import { codeOf, importsOf } from './source.ts';
import { findTableProblems } from './tables.ts';
import type { ProjectFile } from './tree.ts';

const file = (path: string, text = ''): ProjectFile => ({ path, text });
const imports = (specifier: string, names = '{ a }') => `import ${names} from '${specifier}';\n`;

describe('reading sources', () => {
  it.each([
    ["import { a, type B } from 'x';", 'x', false],
    ["import { type A, type B } from 'x';", 'x', true],
    ["import type { A } from 'x';", 'x', true],
    ["import {\n  a,\n  b,\n} from 'x';", 'x', false],
    ["import 'x';", 'x', false],
    ["export { a } from 'x';", 'x', false],
    ["export type { A } from 'x';", 'x', true],
    ["const a = await import('x');", 'x', false],
  ])('%s', (text, specifier, isType) => {
    expect(importsOf(file('a.ts', text))).toEqual([{ specifier, isType }]);
  });

  it('leaves code, and nothing of comments, texts and patterns', () => {
    const text = "const a = 'Date'; // Date\n/* Date */ const b = `Date`; const c = /Date'/; const d = Date;";
    expect(codeOf(file('a.ts', text)).match(/Date/g)).toHaveLength(1);
  });
});

describe('each check can fail', () => {
  it.each([
    ['packages/shared/src/core/a.ts', '@authmesh/shared/protocol/b', 'out to ring 1'],
    ['packages/agent/src/core/a.ts', '@authmesh/agent/io/b', 'out to ring 4'],
    ['packages/shared/src/node/a.ts', '@authmesh/agent/io/b', 'out to ring 4'],
    ['packages/agent/src/io/a.ts', '@authmesh/agent/agent', 'out to ring 5'],
    ['packages/agent/src/agent.ts', '@authmesh/agent/cli/run', 'out to ring 6'],
    ['packages/agent/src/io/a.ts', '@authmesh/coordinator/core/b', 'different hosts'],
    ['packages/coordinator/src/io/a.ts', '../core/b.ts', 'by its package'],
    ['packages/agent/src/io/a.ts', '../../../../test/e2e/b.ts', 'in no ring'],
  ])('rings: %s imports %s', (path, specifier, reason) => {
    expect(findRingProblems([file(path, imports(specifier))])).toEqual([expect.stringContaining(reason)]);
  });

  it('rings: inwards and beside is fine', () => {
    const text = [imports('./b.ts'), imports('@authmesh/shared/node/c'), imports('zod')].join('');
    expect(findRingProblems([file('packages/agent/src/io/a.ts', text)])).toEqual([]);
  });

  it.each([
    ['const at = Date.now();', 'Date'],
    ['const at = performance.now();', 'performance'],
    ['const chance = Math.random();', 'Math.random'],
    ['async function a() {}', 'async'],
    ['setTimeout(a, 1);', 'setTimeout'],
    ['console.log(1);', 'console'],
    ['process.exit();', 'process'],
    [imports('node:fs'), 'node:fs'],
    [imports('zod', 'type { z }'), 'zod'],
  ])('purity: %s', (text, named) => {
    const found = findPurityProblems([file('packages/agent/src/core/a.ts', text)]);
    expect(found).toEqual([expect.stringContaining(named)]);
  });

  it('purity: a library that comes along with a value, and none with a type', () => {
    const schema = file('packages/shared/src/protocol/b.ts', imports('zod'));
    const core = (names: string) => file('packages/agent/src/core/a.ts', imports('@authmesh/shared/protocol/b', names));
    expect(findPurityProblems([schema, core('{ a }')])).toEqual([expect.stringContaining('→ zod')]);
    expect(findPurityProblems([schema, core('type { A }')])).toEqual([]);
  });

  it('libraries: outside their place, unlisted, and not used any more', () => {
    const known = [{ name: 'ws', places: ['packages/agent/src/io/a.ts'], reason: 'one place' }];
    const at = (path: string, specifier: string) => file(path, imports(specifier));
    const right = at('packages/agent/src/io/a.ts', 'ws');
    expect(findLibraryProblems([right], known)).toEqual([]);
    expect(findLibraryProblems([right, at('packages/agent/src/io/b.ts', 'ws')], known)).toHaveLength(1);
    expect(findLibraryProblems([right, at('packages/agent/src/io/b.ts', 'left-pad/x')], known)).toHaveLength(1);
    expect(findLibraryProblems([], known)).toEqual([expect.stringContaining('any more')]);
  });

  it.each(['src/string-utils.ts', 'src/helpers/a.ts', 'src/common.ts', 'src/lock-manager.ts', 'src/lockFile.ts'])(
    'names: %s',
    path => {
      expect(findNameProblems([file(path)])).toHaveLength(1);
    },
  );

  it('names: kebab-case is fine', () => {
    expect(findNameProblems([file('src/store-lock.test.ts'), file('.ci/run'), file('README.md')])).toEqual([]);
  });

  it('lengths: too long, excused, excused for nothing', () => {
    const long = file('src/a.ts', 'a\n'.repeat(linesMax + 1));
    const short = file('src/a.ts', 'a\n'.repeat(linesMax));
    expect(findLengthProblems([long], {})).toHaveLength(1);
    expect(findLengthProblems([long], { 'src/a.ts': 'a table' })).toEqual([]);
    expect(findLengthProblems([short], {})).toEqual([]);
    expect(findLengthProblems([short], { 'src/a.ts': 'a table' })).toHaveLength(1);
    expect(findLengthProblems([], { 'src/a.ts': 'a table' })).toHaveLength(1);
  });

  it.each(['TO' + 'DO later', '@ts-' + 'ignore', 'biome-' + 'ignore lint/x: y'])('leftovers: %s', mark => {
    expect(findMarks([file('a.ts', `// ${mark}\nconst a = 1;`)])).toHaveLength(1);
  });

  it.each(['it.skip', 'it.only', 'describe.skip', 'it.skipIf(x)', 'test.todo'])('idle tests: %s', call => {
    expect(findIdleTests([file('a.test.ts', `${call}(name, () => expect(1).toBe(1));`)])).toHaveLength(1);
  });

  it('idle tests: one without an assertion, be it in a comment', () => {
    expect(findIdleTests([file('a.test.ts', 'it(name, () => run()); // expect(1)')])).toHaveLength(1);
    expect(findIdleTests([file('a.test.ts', 'it(name, () => expect(1).toBe(1));')])).toEqual([]);
  });

  it('invariants: not listed, not enforced, skipped, no page', () => {
    const page = '| I1 | one |\n| I2 | two |\n';
    const checker = (text: string) => file('test/simulation/checkers/a.ts', text);
    expect(findInvariantProblems(page, [checker('/** I1: x */ // (I2)')])).toEqual([]);
    expect(findInvariantProblems(page, [checker('/** I1: x */')])).toEqual([expect.stringContaining('I2')]);
    expect(findInvariantProblems(page, [checker('/** I1: x, I2: y, I3: z */')])).toEqual([
      expect.stringContaining('I3'),
    ]);
    const cited = file('packages/agent/src/core/a.ts', '// Invariant I2.');
    expect(findInvariantProblems(page, [checker('/** I1: x */'), cited])).toHaveLength(1);
    expect(findInvariantProblems('| I2 | two |\n', [checker('/** I2: y */')])).toHaveLength(1);
    expect(findInvariantProblems(undefined, [])).toHaveLength(1);
  });

  it.each([
    `sk-${'a1'.repeat(16)}`,
    `ghp_${'a1'.repeat(18)}`,
    `AKIA${'A1'.repeat(8)}`,
    `xoxb-${'1234567890-'.repeat(2)}`,
    `eyJ${'a1'.repeat(10)}.eyJ${'a1'.repeat(10)}.${'a1'.repeat(10)}`,
    `-----BEGIN ${'PRIVATE'} KEY-----`,
    `authmesh1${'a1'.repeat(30)}`,
    `"access": "${'a1'.repeat(16)}"`,
  ])('secrets: %#', text => {
    const found = findSecrets([file('docs/a.md', `line\n${text}`)]);
    expect(found).toEqual([expect.stringContaining('docs/a.md:2')]);
    expect(found.join()).not.toContain(text);
  });

  it('machine paths', () => {
    const place = ['', 'root', 'project', 'a.ts'].join('/');
    expect(findMachinePaths([file('a.ts', `see ${place}`)])).toHaveLength(1);
  });
});

describe(findTableProblems, () => {
  it('names each row that a page lacks or tells otherwise', () => {
    const pages = [file('docs/operating.md', '| `synced` | warn | in step |'), file('docs/protocol.md')];
    const problems = findTableProblems(pages);
    expect(problems.some(problem => problem.includes('docs/operating.md lacks the row | `synced` | info |'))).toBe(
      true,
    );
    expect(problems.some(problem => problem.includes('docs/protocol.md lacks the row | 4409 |'))).toBe(true);
  });
});
