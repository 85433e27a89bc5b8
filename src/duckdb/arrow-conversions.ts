import { broken } from './arrow-flatbuffer.ts';
import { typed } from './arrow-buffers.ts';
import { decimalConversion } from './arrow-decimals.ts';
import type { ArrowField, ArrowType } from './arrow-schema.ts';
import { dateConversion, durationConversion, intervalConversion, timeConversion, timestampConversion } from './arrow-times.ts';
import type { Bits } from './bits.ts';
import type { Scratch } from './scratch.ts';

/**
 * `count` values as DuckDB keeps them, checked against what it can hold; where `valid` is unset anything may come out.
 * Returns the values themselves when they need no other form.
 * @throws ValueOutOfRange (`field`)
 */
export type Convert = (values: Uint8Array, count: number, valid: Bits | undefined, into: Scratch) => Uint8Array;

export interface Conversion {
  /** Bytes of a value in Arrow. */
  readonly width: number;
  /** None when every value is held as it is. */
  readonly convert?: Convert;
  readonly isFloat?: true;
}

export function conversionOf(field: ArrowField): Conversion {
  const { type } = field;
  switch (type.kind) {
    case 'int':
      return { width: type.bits / 8 };
    case 'float':
      return floatConversion(type);
    case 'decimal':
      return decimalConversion(field, type);
    case 'date':
      return dateConversion(field, type);
    case 'time':
      return timeConversion(field, type);
    case 'timestamp':
      return timestampConversion(field, type);
    case 'duration':
      return durationConversion(field, type);
    case 'interval':
      return intervalConversion(field, type);
    default:
      throw broken(`values of the type ${type.kind}`);
  }
}

function floatConversion({ bits }: Extract<ArrowType, { kind: 'float' }>): Conversion {
  return bits === 16 ? { width: 2, convert: fromHalves, isFloat: true } : { width: bits / 8, isFloat: true };
}

function fromHalves(values: Uint8Array, count: number, _valid: Bits | undefined, into: Scratch): Uint8Array {
  const halves = typed(values, Uint16Array, count);
  const bytes = into.take(count * Float32Array.BYTES_PER_ELEMENT);
  const floats = new Float32Array(bytes.buffer, bytes.byteOffset, count);
  for (let row = 0; row < count; row++) floats[row] = fromHalf(halves[row]!);
  return bytes;
}

function fromHalf(half: number): number {
  const sign = half & 0x80_00 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3_ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
