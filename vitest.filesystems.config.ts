import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/filesystems/**/*.test.ts'],
    testTimeout: 90_000,
    hookTimeout: 90_000,
    fileParallelism: false,
    globalSetup: 'test/e2e/harness/build.ts',
  },
});
