import type { ByteStream } from '../src/domain/gateway.ts';

/**
 * The same bytes, with `release` called exactly once: at the end, on a failure, or when the reader leaves.
 * An explicit iterator, for a generator that was never started would never run its `finally`.
 */
export function heldStream(body: ByteStream, release: (error?: unknown) => unknown): ByteStream {
  const source = body[Symbol.asyncIterator]();
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      try {
        const step = await source.next();
        if (step.done === true) release();
        return step;
      } catch (error) {
        throw (await release(error)) ?? error;
      }
    },
    async return() {
      try {
        await source.return?.();
      } finally {
        release();
      }
      return { done: true, value: undefined };
    },
  };
  return iterator;
}
