import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/monitoring/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: 'test/e2e/harness/build.ts',
  },
});
