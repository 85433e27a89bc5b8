import { buildIfStale } from '../tools/build.mjs';

/**
 * Workers and the command line run as compiled JavaScript, so dist/ is brought up to date once before the tests.
 * The compiler emits in spite of type errors; refusing those is the work of `npm run build` and `npm test`.
 */
export default function setup(): void {
  if (buildIfStale() !== 0) process.stderr.write('The build reported errors; the tests run what it emitted.\n');
}
