import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { ValueOutOfRange } from '../../src/domain/errors.ts';
import { VALUE_BYTES } from '../../src/duckdb/arrow-budget.ts';
import { typed, type Validity } from '../../src/duckdb/arrow-buffers.ts';
import { nullsIn, rows, type ReadValues } from './window.ts';
import { broken } from '../../src/duckdb/arrow-flatbuffer.ts';
import type { ArrowField, ArrowType, TimeUnit } from '../../src/duckdb/arrow-schema.ts';
import { decimalShape } from '../../src/duckdb/type-map.ts';

const MS_PER_DAY = 86_400_000n;
const INT32_MAX = 2 ** 31 - 1;
const INT64_MAX = 2n ** 63n - 1n;
/** How many nanoseconds a unit has, from seconds to nanoseconds. */
const NANOS_PER_UNIT = [1_000_000_000n, 1_000_000n, 1_000n, 1n] as const;
/** Factor from a unit to microseconds; nanoseconds are divided instead. */
const MICROS_PER_UNIT = [1_000_000n, 1_000n, 1n] as const;

type ValueAt = (row: number) => DuckDBValue;

/** The values of a column whose values all take the same bytes; each is checked against what its DuckDB type holds. */
export function fixedWidthValues(field: ArrowField, bytes: Uint8Array, length: number, validity: Validity): ReadValues {
  const extraBytes = field.type.kind === 'fixedBinary' ? field.type.bytes : 0;
  const valueAt = converter(field, bytes, length);
  return (start, count, parents, budget) => {
    budget.take(count * (VALUE_BYTES + extraBytes));
    return rows(count, nullsIn(validity, start, count, parents), (row) => valueAt(start + row));
  };
}

function converter(field: ArrowField, bytes: Uint8Array, length: number): ValueAt {
  const { type } = field;
  switch (type.kind) {
    case 'bool': {
      if (bytes.length * 8 < length) throw broken('a buffer of booleans that is too short');
      return (row) => ((bytes[row >> 3]! >> (row & 7)) & 1) === 1;
    }
    case 'int':
      return integers(type, bytes, length);
    case 'float':
      return floats(type.bits, bytes, length);
    case 'decimal':
      return decimals(field, type, bytes, length);
    case 'date':
      return type.unit === 'day' ? dates(field, typed(bytes, Int32Array, length)) : datesOfMs(field, typed(bytes, BigInt64Array, length));
    case 'time':
      return times(field, type.unit, type.bits === 32 ? typed(bytes, Int32Array, length) : typed(bytes, BigInt64Array, length));
    case 'timestamp':
      return timestamps(field, type, typed(bytes, BigInt64Array, length));
    case 'duration':
      return durations(field, type.unit, typed(bytes, BigInt64Array, length));
    case 'interval':
      return intervals(field, type.unit, bytes, length);
    case 'fixedBinary': {
      const data = typed(bytes, Uint8Array, length * type.bytes);
      return (row) => new DuckDBBlobValue(data.subarray(row * type.bytes, (row + 1) * type.bytes));
    }
    default:
      throw broken(`values of the type ${type.kind}`);
  }
}

function integers({ bits, signed }: Extract<ArrowType, { kind: 'int' }>, bytes: Uint8Array, length: number): ValueAt {
  const Type = (
    signed ? { 8: Int8Array, 16: Int16Array, 32: Int32Array, 64: BigInt64Array } : { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array }
  )[bits as 8 | 16 | 32 | 64];
  const values = typed<ArrayLike<number | bigint>>(bytes, Type, length);
  return (row) => values[row]!;
}

function floats(bits: 16 | 32 | 64, bytes: Uint8Array, length: number): ValueAt {
  if (bits === 16) {
    const halves = typed(bytes, Uint16Array, length);
    return (row) => fromHalf(halves[row]!);
  }
  const values = bits === 32 ? typed(bytes, Float32Array, length) : typed(bytes, Float64Array, length);
  return (row) => values[row]!;
}

function fromHalf(half: number): number {
  const sign = half & 0x80_00 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3_ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

function decimals(field: ArrowField, type: Extract<ArrowType, { kind: 'decimal' }>, bytes: Uint8Array, length: number): ValueAt {
  const { width, scale } = decimalShape(type);
  const factor = 10n ** BigInt(Math.max(-type.scale, 0));
  const limit = 10n ** BigInt(width);
  const wordsPerValue = type.bits / 32;
  const words = typed(bytes, Uint32Array, length * wordsPerValue);
  return (row) => {
    let value = 0n;
    for (let word = wordsPerValue - 1; word >= 0; word--) value = (value << 32n) | BigInt(words[row * wordsPerValue + word]!);
    value = BigInt.asIntN(type.bits, value) * factor;
    if (value >= limit || value <= -limit) throw outOfRange(field, `${value} has more than ${width} digits`);
    return new DuckDBDecimalValue(value, width, scale);
  };
}

/** DuckDB keeps the two outermost integers for ±infinity, here and in timestamps; they pass as they are. */
function dates(field: ArrowField, days: Int32Array): ValueAt {
  return (row) => {
    const day = days[row]!;
    if (day < -INT32_MAX) throw outOfRange(field, `day ${day}`);
    return new DuckDBDateValue(day);
  };
}

/** Arrow asks for whole days here, but writers put times of day in; DATE is the day they fall on. */
function datesOfMs(field: ArrowField, values: BigInt64Array): ValueAt {
  return (row) => {
    const ms = values[row]!;
    const timeOfDay = ((ms % MS_PER_DAY) + MS_PER_DAY) % MS_PER_DAY;
    const day = Number((ms - timeOfDay) / MS_PER_DAY);
    if (Math.abs(day) >= INT32_MAX) throw outOfRange(field, `day ${day}`);
    return new DuckDBDateValue(day);
  };
}

function times(field: ArrowField, unit: TimeUnit, values: Int32Array | BigInt64Array): ValueAt {
  const dayLength = (86_400n * 1_000_000_000n) / NANOS_PER_UNIT[unit];
  return (row) => {
    const value = BigInt(values[row]!);
    if (value < 0n || value > dayLength) throw outOfRange(field, `${value} is not a time of day`);
    return unit === 3 ? new DuckDBTimeNSValue(value) : new DuckDBTimeValue(value * MICROS_PER_UNIT[unit]);
  };
}

const TIMESTAMP_RANGES = [
  DuckDBTimestampSecondsValue.Min.seconds,
  DuckDBTimestampSecondsValue.Max.seconds,
  DuckDBTimestampMillisecondsValue.Min.millis,
  DuckDBTimestampMillisecondsValue.Max.millis,
  DuckDBTimestampValue.Min.micros,
  DuckDBTimestampValue.Max.micros,
  DuckDBTimestampNanosecondsValue.Min.nanos,
  DuckDBTimestampNanosecondsValue.Max.nanos,
] as const;
const TIMESTAMP_VALUES: readonly ((value: bigint) => DuckDBValue)[] = [
  (value) => new DuckDBTimestampSecondsValue(value),
  (value) => new DuckDBTimestampMillisecondsValue(value),
  (value) => new DuckDBTimestampValue(value),
  (value) => new DuckDBTimestampNanosecondsValue(value),
];

function timestamps(field: ArrowField, { unit, timezone }: Extract<ArrowType, { kind: 'timestamp' }>, values: BigInt64Array): ValueAt {
  const earliest = TIMESTAMP_RANGES[unit * 2]!;
  const latest = TIMESTAMP_RANGES[unit * 2 + 1]!;
  const zoned = timezone !== undefined && unit !== 3;
  return (row) => {
    const value = values[row]!;
    const infinite = value === INT64_MAX || value === -INT64_MAX;
    if ((value < earliest || value > latest) && !(infinite && (!zoned || unit === 2))) throw outOfRange(field, `the instant ${value}`);
    return zoned ? new DuckDBTimestampTZValue(value * MICROS_PER_UNIT[unit]) : TIMESTAMP_VALUES[unit]!(value);
  };
}

function durations(field: ArrowField, unit: TimeUnit, values: BigInt64Array): ValueAt {
  return (row) => new DuckDBIntervalValue(0, 0, unit === 3 ? microsOfNanos(field, values[row]!) : microsOf(field, values[row]! * MICROS_PER_UNIT[unit]));
}

function intervals(field: ArrowField, unit: 'yearMonth' | 'dayTime' | 'monthDayNano', bytes: Uint8Array, length: number): ValueAt {
  if (unit === 'yearMonth') {
    const months = typed(bytes, Int32Array, length);
    return (row) => new DuckDBIntervalValue(months[row]!, 0, 0n);
  }
  if (unit === 'dayTime') {
    const parts = typed(bytes, Int32Array, length * 2);
    return (row) => new DuckDBIntervalValue(0, parts[row * 2]!, BigInt(parts[row * 2 + 1]!) * 1_000n);
  }
  const parts = typed(bytes, Int32Array, length * 4);
  return (row) => {
    const nanos = (BigInt(parts[row * 4 + 3]!) << 32n) | BigInt(parts[row * 4 + 2]! >>> 0);
    return new DuckDBIntervalValue(parts[row * 4]!, parts[row * 4 + 1]!, microsOfNanos(field, nanos));
  };
}

function microsOfNanos(field: ArrowField, nanos: bigint): bigint {
  if (nanos % 1_000n !== 0n) throw outOfRange(field, `${nanos} ns is not a whole number of microseconds, and INTERVAL holds those`);
  return nanos / 1_000n;
}

function microsOf(field: ArrowField, micros: bigint): bigint {
  if (micros > INT64_MAX || micros < -INT64_MAX - 1n) throw outOfRange(field, `a duration of ${micros} microseconds`);
  return micros;
}

function outOfRange(field: ArrowField, what: string): Error {
  return new ValueOutOfRange(`The column "${field.path}" cannot hold a value: ${what}`, { field: field.path });
}
