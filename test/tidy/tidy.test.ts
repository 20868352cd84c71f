import { describe, expect, it } from 'vitest';
import { findLengthProblems, findNameProblems } from './files.ts';
import { findInvariantProblems, invariantsPage } from './invariants.ts';
import { findIdleTests, findMarks } from './leftovers.ts';
import { findLibraryProblems } from './libraries.ts';
import { findPurityProblems } from './purity.ts';
import { findRingProblems } from './rings.ts';
import { findMachinePaths, findSecrets } from './secrets.ts';
import { findTableProblems } from './tables.ts';
import { readTree, sourcesOf } from './tree.ts';

const tree = readTree();
const sources = sourcesOf(tree);

describe('the tree', () => {
  it('imports from its own ring or one further in', () => {
    expect(findRingProblems(sources)).toEqual([]);
  });

  it('has pure cores', () => {
    expect(findPurityProblems(sources)).toEqual([]);
  });

  it('keeps each third-party library in one file a side', () => {
    expect(findLibraryProblems(sources)).toEqual([]);
  });

  it('names files for what they are about', () => {
    expect(findNameProblems(tree)).toEqual([]);
  });

  it('has no source that is too long', () => {
    expect(findLengthProblems(sources)).toEqual([]);
  });

  it('has no leftovers', () => {
    expect(findMarks(sources)).toEqual([]);
  });

  it('has no test that is idle', () => {
    expect(findIdleTests(sources)).toEqual([]);
  });

  it('enforces every invariant, and cites none that is not listed', () => {
    const page = tree.find(({ path }) => path === invariantsPage)?.text;
    expect(findInvariantProblems(page, sources)).toEqual([]);
  });

  it('tells in its tables what the catalogues say', () => {
    expect(findTableProblems(tree)).toEqual([]);
  });

  it('holds nothing that looks like a live credential', () => {
    expect(findSecrets(tree)).toEqual([]);
  });

  it('names no place of one machine', () => {
    expect(findMachinePaths(tree)).toEqual([]);
  });

  it.each(['biome.json', 'knip.json', 'tsconfig.json', 'LICENSE', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'])(
    'has its %s',
    path => {
      expect(tree.map(file => file.path)).toContain(path);
    },
  );
});
