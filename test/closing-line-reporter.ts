import process from 'node:process';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/**
 * Ends the run with one line that people and programs can read: `<n> passed, <n> failed`. A file that could not be
 * loaded and an error outside every test count as failed; a run without a test is a failed run.
 */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        if (state === 'failed') failedHere += 1;
      }
      failed += failedHere === 0 && !module.ok() ? 1 : failedHere;
    }
    if (passed + failed === 0) failed = 1;
    if (failed > 0) process.exitCode = 1;
    // Once every other reporter has had its say.
    process.once('exit', () => process.stdout.write(`${passed} passed, ${failed} failed\n`));
  }
}
