import { ValueOutOfRange } from '../domain/errors.ts';
import { typed } from './arrow-buffers.ts';
import type { Conversion } from './arrow-conversions.ts';
import type { ArrowField, ArrowType } from './arrow-schema.ts';
import { isSet, type Bits } from './bits.ts';
import type { Scratch } from './scratch.ts';
import { decimalShape } from './type-map.ts';

type DecimalType = Extract<ArrowType, { kind: 'decimal' }>;
type Words = Int32Array;

/** Arrow's 4 to 32 bytes become the 2, 4, 8 or 16 that DuckDB gives so many digits. */
export function decimalConversion(field: ArrowField, type: DecimalType): Conversion {
  const { width } = decimalShape(type);
  const from = type.bits / 32;
  const toBytes = width <= 4 ? 2 : width <= 9 ? 4 : width <= 18 ? 8 : 16;
  const convert = type.scale < 0 ? widening(field, type, toBytes) : narrowing(field, width, from, toBytes);
  return { width: from * 4, convert };
}

/** Keeps the low bytes of each value, once it is sure that the rest only repeats its sign and the digits are not too many. */
function narrowing(field: ArrowField, digits: number, from: number, toBytes: number) {
  const to = Math.max(toBytes / 4, 1);
  const limit = 10n ** BigInt(digits);
  // A top word strictly between these leaves no doubt.
  const sure = Number(limit >> BigInt(32 * (Math.min(from, to) - 1)));
  return (values: Uint8Array, count: number, valid: Bits | undefined, into: Scratch): Uint8Array => {
    const words = typed(values, Int32Array, count * from);
    const bytes = into.take(count * toBytes);
    const Items = toBytes === 2 ? Int16Array : Int32Array;
    const items = new Items(bytes.buffer, bytes.byteOffset, bytes.byteLength / Items.BYTES_PER_ELEMENT);
    for (let row = 0; row < count; row++) {
      const at = row * from;
      const top = words[at + Math.min(from, to) - 1]!;
      if (!(top > -sure && top < sure && repeatsSign(words, at, from, to))) {
        if (valid !== undefined && !isSet(valid, row)) continue;
        const value = valueAt(words, at, from);
        if (value >= limit || value <= -limit) throw tooManyDigits(field, value, digits);
      }
      const sign = top >> 31;
      for (let word = 0; word < to; word++) items[row * to + word] = word < from ? words[at + word]! : sign;
    }
    return bytes;
  };
}

function repeatsSign(words: Words, at: number, from: number, to: number): boolean {
  if (from <= to) return true;
  const sign = words[at + to - 1]! >> 31;
  for (let word = to; word < from; word++) if (words[at + word] !== sign) return false;
  return true;
}

/** A negative scale is written out in zeros. */
function widening(field: ArrowField, type: DecimalType, toBytes: number) {
  const { width } = decimalShape(type);
  const factor = 10n ** BigInt(-type.scale);
  const limit = 10n ** BigInt(width);
  const from = type.bits / 32;
  return (values: Uint8Array, count: number, valid: Bits | undefined, into: Scratch): Uint8Array => {
    const words = typed(values, Int32Array, count * from);
    const taken = into.take(count * toBytes);
    const bytes = Buffer.from(taken.buffer, taken.byteOffset, taken.byteLength);
    for (let row = 0; row < count; row++) {
      if (valid !== undefined && !isSet(valid, row)) continue;
      const value = valueAt(words, row * from, from) * factor;
      if (value >= limit || value <= -limit) throw tooManyDigits(field, value, width);
      writeInteger(bytes, row * toBytes, toBytes, value);
    }
    return bytes;
  };
}

function writeInteger(bytes: Buffer, at: number, width: number, value: bigint): void {
  if (width < 8) {
    bytes.writeIntLE(Number(value), at, width);
    return;
  }
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
  if (width === 16) bytes.writeBigUInt64LE(BigInt.asUintN(64, value >> 64n), at + 8);
}

function valueAt(words: Words, at: number, from: number): bigint {
  let value = 0n;
  for (let word = from - 1; word >= 0; word--) value = (value << 32n) | BigInt(words[at + word]! >>> 0);
  return BigInt.asIntN(from * 32, value);
}

function tooManyDigits(field: ArrowField, value: bigint, digits: number): Error {
  return new ValueOutOfRange(`The column "${field.path}" cannot hold a value: ${value} has more than ${digits} digits`, { field: field.path });
}
