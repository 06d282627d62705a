import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ListSkipped } from './test/support/list-skipped.ts';
import { seedBug } from './test/support/seeded-bug.ts';

/** The longest file first: on a fresh checkout nothing is known of the others, and it would come last and alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => moduleId.includes('seeded-bugs');
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

export default defineConfig({
  plugins: [seedBug()],
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', new ListSkipped()],
    globalSetup: 'test/support/global-setup.ts',
    setupFiles: 'test/support/check-title.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    maxConcurrency: 2,
    sequence: { sequencer: LongestFirst },
    fileParallelism: true,
    // Modules are loaded once for each worker, and embedded databases opened once: half of the time of many files.
    isolate: false,
  },
});
