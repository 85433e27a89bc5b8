import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A process a file: DuckDB workers, exit codes and signals are part of what is tested.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    globalSetup: ['./test/build-once.ts'],
    reporters: ['default', './test/closing-line-reporter.ts'],
    allowOnly: false,
    passWithNoTests: false,
    env: { NO_COLOR: '1' },
  },
});
