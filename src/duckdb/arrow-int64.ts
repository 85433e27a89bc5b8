import { typed } from './arrow-buffers.ts';
import type { Convert } from './arrow-conversions.ts';
import { isSet } from './bits.ts';

const HIGH_WORD = 2 ** 32;
/** Top words of integers below 2^53, which a number holds exactly. */
const EXACT_TOP = 2 ** 21;

/** The integer at `index`, read from 32-bit words; undefined when a number does not hold it exactly. */
export function numberAt(words: Int32Array, index: number): number | undefined {
  const top = words[index * 2 + 1]!;
  return top >= -EXACT_TOP && top < EXACT_TOP ? top * HIGH_WORD + (words[index * 2]! >>> 0) : undefined;
}

export function int64At(words: Int32Array, index: number): bigint {
  return (BigInt(words[index * 2 + 1]!) << 32n) | BigInt(words[index * 2]! >>> 0);
}

/** Each value times `factor`, by numbers where they are exact, else by `exactly`, which may refuse. */
export function mapInt64(exactly: (value: bigint) => bigint, factor: number): Convert {
  return (values, count, valid, into) => {
    const from = typed(values, Int32Array, count * 2);
    const bytes = into.take(count * 8);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, count * 2);
    const longs = new BigInt64Array(bytes.buffer, bytes.byteOffset, count);
    for (let row = 0; row < count; row++) {
      if (valid !== undefined && !isSet(valid, row)) continue;
      const product = (numberAt(from, row) ?? Infinity) * factor;
      if (Math.abs(product) > Number.MAX_SAFE_INTEGER) longs[row] = exactly(int64At(from, row));
      else {
        words[row * 2] = product; // stored modulo 2^32
        words[row * 2 + 1] = Math.floor(product / HIGH_WORD);
      }
    }
    return bytes;
  };
}
