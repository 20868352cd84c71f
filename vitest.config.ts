import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** One kind of test after the other, and as many files at a time as keep both cores of a small machine at work. */
const kinds = [
  {
    ...{ name: 'unit', include: ['packages/*/src/**/*.test.ts', 'test/tidy/**/*.test.ts'], testTimeout: 30_000 },
    ...{ maxWorkers: 2, groupOrder: 0 },
  },
  // Its longest file keeps one core busy; the other has the unit tests meanwhile.
  {
    ...{ name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 180_000 },
    ...{ maxWorkers: 2, groupOrder: 0 },
  },
  // They wait for settle times and leases far more than they compute.
  {
    ...{ name: 'e2e', include: ['test/e2e/**/*.test.ts', 'test/oauth/**/*.test.ts'], testTimeout: 90_000 },
    ...{ maxWorkers: 4, groupOrder: 1, globalSetup: 'test/e2e/harness/build.ts' },
  },
] as const;

/** Files that wait longest, first: begun last, one of them would have the other workers idle at the end. */
const longest = [
  'waves',
  'limit',
  'check',
  'outage',
  'admission',
  'custody',
  'exec',
  'alerts',
  'refresh',
  'doctor',
  'drift',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification) => {
      const rank = longest.findIndex(name => moduleId.endsWith(`/e2e/${name}.test.ts`));
      return rank === -1 ? longest.length : rank;
    };
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    globalSetup: 'test/scratch.ts',
    projects: kinds.map(({ name, include, testTimeout, groupOrder, ...more }) => ({
      test: { name, include: [...include], testTimeout, hookTimeout: testTimeout, sequence: { groupOrder }, ...more },
    })),
  },
});
