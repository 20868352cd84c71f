import { defineConfig } from 'vitest/config';

/** One kind of test after the other: what waits for real processes is not beside what keeps every core busy. */
const kinds = [
  { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'test/tidy/**/*.test.ts'], testTimeout: 30_000 },
  // They wait for settle times and leases far more than they compute.
  { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 90_000, maxWorkers: 3 },
  { name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 180_000 },
] as const;

export default defineConfig({
  test: {
    projects: kinds.map(({ name, include, testTimeout, ...more }, groupOrder) => ({
      test: { name, include: [...include], testTimeout, hookTimeout: testTimeout, sequence: { groupOrder }, ...more },
    })),
  },
});
