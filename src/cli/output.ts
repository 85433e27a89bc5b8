import { once } from 'node:events';

const gone = new AbortController();

/** Aborted once nobody reads standard output any more, as in `mayfly watch | head -1`: a reason to stop, not a failure. */
export const readerGone: AbortSignal = gone.signal;

/** Keeps a reader that left from ending the process with a stack trace; every other error of the stream still does. */
export function tolerateLeavingReaders(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    gone.abort();
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** One line of results; resolves when the reader is ready for the next. */
export async function print(line = ''): Promise<void> {
  if (readerGone.aborted) return;
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain', { signal: readerGone }).catch(() => undefined);
}

/** Resolves once every line was handed to the system, or nobody is left to read it. */
export function flushed(): Promise<void> {
  return new Promise((resolve) => process.stdout.write('', () => resolve()));
}

/** One line of JSON, with 64-bit integers as digits in a text where a number could not hold them. */
export async function printJson(value: unknown): Promise<void> {
  await print(JSON.stringify(value, (_key, held: unknown) => (typeof held === 'bigint' ? exact(held) : held)));
}

function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** Progress and warnings, which are no results. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
