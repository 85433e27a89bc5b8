import { DuckDBTimestampMillisecondsValue, DuckDBTimestampNanosecondsValue, DuckDBTimestampSecondsValue, DuckDBTimestampValue } from '@duckdb/node-api';
import { ValueOutOfRange } from '../domain/errors.ts';
import { typed } from './arrow-buffers.ts';
import type { Conversion, Convert } from './arrow-conversions.ts';
import { int64At, mapInt64, numberAt } from './arrow-int64.ts';
import type { ArrowField, ArrowType, TimeUnit } from './arrow-schema.ts';
import { isSet } from './bits.ts';

type TypeOf<Kind extends ArrowType['kind']> = Extract<ArrowType, { kind: Kind }>;

const MS_PER_DAY = 86_400_000n;
const INT32_MAX = 2 ** 31 - 1;
const INT64_MAX = 2n ** 63n - 1n;
const INTERVAL_BYTES = 16;
const UNITS_PER_SECOND = [1, 1e3, 1e6, 1e9] as const;
/** Factor from a unit to microseconds; nanoseconds are divided instead. */
const MICROS_PER_UNIT = [1_000_000n, 1_000n, 1n] as const;

/** DuckDB keeps the two outermost integers for ±infinity, here and in timestamps; they pass as they are. */
export function dateConversion(field: ArrowField, { unit }: TypeOf<'date'>): Conversion {
  if (unit === 'millisecond') return { width: 8, convert: daysOfMs(field) };
  const convert: Convert = (values, count, valid) => {
    const days = typed(values, Int32Array, count);
    for (let row = 0; row < count; row++) {
      if (days[row]! < -INT32_MAX && (valid === undefined || isSet(valid, row))) throw outOfRange(field, `day ${days[row]}`);
    }
    return values;
  };
  return { width: 4, convert };
}

/** Arrow asks for whole days here, but writers put times of day in; DATE is the day they fall on. */
function daysOfMs(field: ArrowField): Convert {
  return (values, count, valid, into) => {
    const words = typed(values, Int32Array, count * 2);
    const bytes = into.take(count * Int32Array.BYTES_PER_ELEMENT);
    const days = new Int32Array(bytes.buffer, bytes.byteOffset, count);
    for (let row = 0; row < count; row++) {
      if (valid !== undefined && !isSet(valid, row)) continue;
      const ms = numberAt(words, row);
      const day = ms === undefined ? dayOf(int64At(words, row)) : Math.floor(ms / Number(MS_PER_DAY));
      if (Math.abs(day) >= INT32_MAX) throw outOfRange(field, `day ${day}`);
      days[row] = day;
    }
    return bytes;
  };
}

function dayOf(ms: bigint): number {
  const timeOfDay = ((ms % MS_PER_DAY) + MS_PER_DAY) % MS_PER_DAY;
  return Number((ms - timeOfDay) / MS_PER_DAY);
}

export function timeConversion(field: ArrowField, { unit, bits }: TypeOf<'time'>): Conversion {
  const dayLength = 86_400 * UNITS_PER_SECOND[unit];
  const check = (value: number | undefined, exact: () => bigint | number): void => {
    if (value === undefined || value < 0 || value > dayLength) throw outOfRange(field, `${exact()} is not a time of day`);
  };
  if (bits === 32) return { width: 4, convert: microsOfDay(check, 1e6 / UNITS_PER_SECOND[unit]) };
  const convert: Convert = (values, count, valid) => {
    const words = typed(values, Int32Array, count * 2);
    for (let row = 0; row < count; row++) {
      if (valid === undefined || isSet(valid, row)) check(numberAt(words, row), () => int64At(words, row));
    }
    return values;
  };
  return { width: 8, convert };
}

function microsOfDay(check: (value: number, exact: () => number) => void, factor: number): Convert {
  return (values, count, valid, into) => {
    const times = typed(values, Int32Array, count);
    const bytes = into.take(count * 8);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, count * 2);
    for (let row = 0; row < count; row++) {
      if (valid !== undefined && !isSet(valid, row)) continue;
      const time = times[row]!;
      check(time, () => time);
      words[row * 2] = time * factor; // stored modulo 2^32
      words[row * 2 + 1] = Math.floor((time * factor) / 2 ** 32);
    }
    return bytes;
  };
}

const TIMESTAMP_RANGES = [
  [DuckDBTimestampSecondsValue.Min.seconds, DuckDBTimestampSecondsValue.Max.seconds],
  [DuckDBTimestampMillisecondsValue.Min.millis, DuckDBTimestampMillisecondsValue.Max.millis],
  [DuckDBTimestampValue.Min.micros, DuckDBTimestampValue.Max.micros],
  [DuckDBTimestampNanosecondsValue.Min.nanos, DuckDBTimestampNanosecondsValue.Max.nanos],
] as const;

export function timestampConversion(field: ArrowField, { unit, timezone }: TypeOf<'timestamp'>): Conversion {
  const [earliest, latest] = TIMESTAMP_RANGES[unit];
  const zoned = timezone !== undefined && unit !== 3;
  const check = (value: bigint): bigint => {
    const infinite = value === INT64_MAX || value === -INT64_MAX;
    if ((value < earliest || value > latest) && !(infinite && (!zoned || unit === 2))) throw outOfRange(field, `the instant ${value}`);
    return value;
  };
  if (zoned && unit !== 2) return { width: 8, convert: mapInt64((value) => check(value) * MICROS_PER_UNIT[unit], Number(MICROS_PER_UNIT[unit])) };
  const low = Number(earliest >> 32n);
  const high = Number(latest >> 32n);
  const convert: Convert = (values, count, valid) => {
    const words = typed(values, Int32Array, count * 2);
    for (let row = 0; row < count; row++) {
      const top = words[row * 2 + 1]!;
      // Strictly between the limits' top words: no doubt, and most are.
      if ((top <= low || top >= high) && (valid === undefined || isSet(valid, row))) check(int64At(words, row));
    }
    return values;
  };
  return { width: 8, convert };
}

export function durationConversion(field: ArrowField, { unit }: TypeOf<'duration'>): Conversion {
  const micros = microsOf(field, unit);
  const convert: Convert = (values, count, valid, into) => {
    const words = typed(values, Int32Array, count * 2);
    const bytes = into.take(count * INTERVAL_BYTES).fill(0);
    const intervals = new BigInt64Array(bytes.buffer, bytes.byteOffset, count * 2);
    for (let row = 0; row < count; row++) {
      if (valid === undefined || isSet(valid, row)) intervals[row * 2 + 1] = micros(int64At(words, row));
    }
    return bytes;
  };
  return { width: 8, convert };
}

const INTERVAL_WIDTHS = { yearMonth: 4, dayTime: 8, monthDayNano: 16 } as const;

/** DuckDB's INTERVAL is months, days and microseconds. */
export function intervalConversion(field: ArrowField, { unit }: TypeOf<'interval'>): Conversion {
  const width = INTERVAL_WIDTHS[unit];
  const micros = microsOf(field, 3);
  const convert: Convert = (values, count, valid, into) => {
    const parts = typed(values, Int32Array, (count * width) / 4);
    const bytes = into.take(count * INTERVAL_BYTES).fill(0);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, count * 4);
    const longs = new BigInt64Array(bytes.buffer, bytes.byteOffset, count * 2);
    for (let row = 0; row < count; row++) {
      if (valid !== undefined && !isSet(valid, row)) continue;
      const at = (row * width) / 4;
      if (unit !== 'dayTime') words[row * 4] = parts[at]!;
      if (unit !== 'yearMonth') words[row * 4 + 1] = parts[unit === 'dayTime' ? at : at + 1]!;
      if (unit === 'dayTime') longs[row * 2 + 1] = BigInt(parts[at + 1]!) * 1_000n;
      if (unit === 'monthDayNano') longs[row * 2 + 1] = micros(int64At(parts, row * 2 + 1));
    }
    return bytes;
  };
  return { width, convert };
}

function microsOf(field: ArrowField, unit: TimeUnit): (value: bigint) => bigint {
  if (unit === 3) {
    return (nanos) => {
      if (nanos % 1_000n !== 0n) throw outOfRange(field, `${nanos} ns is not a whole number of microseconds, and INTERVAL holds those`);
      return nanos / 1_000n;
    };
  }
  return (value) => {
    const micros = value * MICROS_PER_UNIT[unit];
    if (micros > INT64_MAX || micros < -INT64_MAX - 1n) throw outOfRange(field, `a duration of ${micros} microseconds`);
    return micros;
  };
}

function outOfRange(field: ArrowField, what: string): Error {
  return new ValueOutOfRange(`The column "${field.path}" cannot hold a value: ${what}`, { field: field.path });
}
