import { defineConfig } from 'vitest/config';
import { seedBug } from './test/support/seeded-bug.ts';

export default defineConfig({
  plugins: [seedBug()],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    maxConcurrency: 2,
    // Redis databases are told apart by worker: see test/support/stores.ts.
    fileParallelism: true,
  },
});
