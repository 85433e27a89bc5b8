import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InvalidRows, MemoryLimitExceeded } from '../domain/errors.ts';
import { ScratchFile, type ScratchFolder } from './scratch-file.ts';
import type { Transaction } from './transaction.ts';

/** What the cleaner is told: paths and the folder as SQL literals. */
export interface CleanerCall {
  readonly from: string;
  readonly to: string;
  readonly directory: string;
  readonly memoryLimitBytes: number;
}

/** Nothing when the copy is whole; otherwise DuckDB's message. */
export interface CleanerAnswer {
  readonly failure?: string;
}

/** The same from source and from dist/, as for the worker. */
const CLEANER = join(dirname(createRequire(import.meta.url).resolve('mayfly/package.json')), 'dist/src/duckdb/parquet-cleaner.js');
const MEMORY_LIMIT_BYTES = 128 * 1_048_576;
const LOOK_EVERY_MS = 20;
const ANSWER_MAX_CHARS = 16_384;

/**
 * A copy of the file that can be read without fear.
 * @throws InvalidRows when it cannot be read, or its reader crashed; MemoryLimitExceeded; what interrupted the transaction
 */
export async function cleanParquet(file: ScratchFile, folder: ScratchFolder, transaction: Transaction): Promise<ScratchFile> {
  const clean = await ScratchFile.in(folder);
  const directory = `'${folder.directory.replaceAll("'", "''")}'`;
  try {
    const { failure } = await run({ from: file.sql, to: clean.sql, directory, memoryLimitBytes: MEMORY_LIMIT_BYTES }, clean, transaction);
    if (failure === undefined) return clean;
    if (/out of memory/i.test(failure))
      throw new MemoryLimitExceeded(`The Parquet file takes more than ${MEMORY_LIMIT_BYTES} bytes to read: write smaller pages`);
    // Without the excerpt of the cleaner's own statement.
    const [reason = ''] = failure.replaceAll(file.path, 'it').split('\n\nLINE ');
    throw new InvalidRows(`The body is not a whole, valid Parquet file: ${reason}`);
  } catch (error) {
    await clean.remove();
    throw error;
  }
}

async function run(call: CleanerCall, clean: ScratchFile, transaction: Transaction): Promise<CleanerAnswer> {
  const { LD_LIBRARY_PATH } = process.env;
  const env = { LD_LIBRARY_PATH, TZ: 'UTC', MALLOC_ARENA_MAX: '2' };
  const child = spawn(process.execPath, [CLEANER, JSON.stringify(call)], { stdio: ['pipe', 'pipe', 'ignore'], env });
  let stopped: Error | undefined;
  const stop = (reason: Error): void => {
    stopped ??= reason;
    child.kill('SIGKILL');
  };
  const watch = setInterval(() => {
    try {
      transaction.check();
    } catch (error) {
      stop(error as Error);
    }
  }, LOOK_EVERY_MS);
  let answer = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    answer = (answer + text).slice(0, ANSWER_MAX_CHARS);
  });
  // Its end tells all there is to tell.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      stop(error);
      resolve();
    });
    child.once('close', () => resolve());
  });
  try {
    await clean.bounded(ended, stop);
  } finally {
    clearInterval(watch);
  }
  if (stopped !== undefined) throw stopped;
  if (answer === '') throw new InvalidRows('The body is not a valid Parquet file: reading it ended the process that tried');
  return JSON.parse(answer) as CleanerAnswer;
}
