import { defineConfig } from 'vitest/config';
import { CompatTable } from './test/compat/table.ts';

export default defineConfig({
  test: {
    include: ['test/compat/**/*.test.ts'],
    // The first run installs a release: half a gigabyte.
    hookTimeout: 20 * 60_000,
    testTimeout: 120_000,
    fileParallelism: false,
    globalSetup: 'test/e2e/harness/build.ts',
    reporters: ['default', new CompatTable()],
  },
});
