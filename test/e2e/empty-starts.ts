import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * How long two empty processes take to start and end beside each other, in ms: about 50 on a free machine. Bounds on
 * what starts processes are held against it, since a busy machine starts everything late.
 */
export async function emptyStartsMs(): Promise<number> {
  const began = performance.now();
  await Promise.all([1, 2].map(() => once(spawn(process.execPath, ['-e', '0']), 'exit')));
  return performance.now() - began;
}
