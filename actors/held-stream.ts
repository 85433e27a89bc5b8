import type { ByteStream } from '../src/domain/gateway.ts';

/** How a stream came to its end; `left`: its reader went away. */
export type StreamEnd = { readonly how: 'whole' | 'left' } | { readonly how: 'failed'; readonly error: unknown };

/**
 * The same bytes, with `release` called exactly once: at the end, on a failure, or when the reader leaves. What it gives
 * for a failure is thrown instead. An explicit iterator, for a generator that was never started would never run its
 * `finally`; and a reader that is through may leave as well.
 */
export function heldStream(body: ByteStream, release: (end: StreamEnd) => unknown): ByteStream {
  const source = body[Symbol.asyncIterator]();
  let held = true;
  const releaseOnce = (end: StreamEnd): unknown => {
    if (!held) return undefined;
    held = false;
    return release(end);
  };
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      try {
        const step = await source.next();
        if (step.done === true) releaseOnce({ how: 'whole' });
        return step;
      } catch (error) {
        throw (await releaseOnce({ how: 'failed', error })) ?? error;
      }
    },
    async return() {
      try {
        await source.return?.();
      } finally {
        releaseOnce({ how: 'left' });
      }
      return { done: true, value: undefined };
    },
  };
  return iterator;
}
