import type { ByteStream } from '../domain/gateway.ts';

/** So much of an answer is held back: one that fails within it fails with a status, not with a cut connection (I8). */
const HOLD_BYTES = 1_048_576;

/**
 * Reads the first MiB before it resolves; rejects if the source fails within it.
 * @param left called once when the body ended, failed or was left
 */
export async function holdBack(source: AsyncGenerator<Uint8Array, void, void>, left: () => void): Promise<ByteStream> {
  const held: Uint8Array[] = [];
  let bytes = 0;
  let whole = false;
  try {
    while (bytes < HOLD_BYTES && !whole) {
      const next = await source.next();
      whole = next.done === true;
      if (next.done === true) break;
      held.push(next.value);
      bytes += next.value.byteLength;
    }
  } catch (error) {
    left();
    throw error;
  }
  if (whole) left();
  return rest(held, source, whole ? () => undefined : left);
}

async function* rest(held: Uint8Array[], source: AsyncGenerator<Uint8Array, void, void>, left: () => void): AsyncGenerator<Uint8Array, void, void> {
  try {
    for (let piece = held.shift(); piece !== undefined; piece = held.shift()) yield piece;
    yield* source;
  } finally {
    await source.return();
    left();
  }
}
