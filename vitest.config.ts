import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A process a file: DuckDB workers, exit codes and signals are part of what is tested.
    pool: 'forks',
    maxWorkers: 2,
    // Conditions are waited for on machines that may be busy: bounds, not expectations of speed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    teardownTimeout: 10_000,
    globalSetup: ['./test/programs-once.ts', './test/build-once.ts'],
    reporters: ['default', './test/closing-line-reporter.ts'],
    allowOnly: false,
    passWithNoTests: false,
    env: { NO_COLOR: '1' },
  },
});
