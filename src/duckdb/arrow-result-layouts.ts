import { DuckDBDecimalType, DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { int64At, numberAt } from './arrow-int64.ts';
import { outOfRange } from './arrow-result-column.ts';
import type { FixedLayout } from './arrow-result-fixed.ts';
import { isSet } from './bits.ts';
import { DECIMAL_DIGITS_MAX } from './type-map.ts';

const NANOS_PER_MICRO = 1_000n;
const INT64_MAX = 2n ** 63n - 1n;
const HIGH_WORD = 2 ** 32;
const DECIMAL_BYTES = 16;
const DECIMAL_WORDS = 4;
const DECIMAL_LIMIT = 10n ** BigInt(DECIMAL_DIGITS_MAX);
/** Of an integer below the limit; one with this top word may be above it. */
const DECIMAL_TOP = Number(DECIMAL_LIMIT >> 96n);

const same = (bytes: number): FixedLayout => ({ from: bytes, to: bytes });

const SAME: Partial<Record<DuckDBTypeId, FixedLayout>> = {
  [DuckDBTypeId.TINYINT]: same(1),
  [DuckDBTypeId.SMALLINT]: same(2),
  [DuckDBTypeId.INTEGER]: same(4),
  [DuckDBTypeId.BIGINT]: same(8),
  [DuckDBTypeId.UTINYINT]: same(1),
  [DuckDBTypeId.USMALLINT]: same(2),
  [DuckDBTypeId.UINTEGER]: same(4),
  [DuckDBTypeId.UBIGINT]: same(8),
  [DuckDBTypeId.FLOAT]: same(4),
  [DuckDBTypeId.DOUBLE]: same(8),
  [DuckDBTypeId.DATE]: same(4),
  [DuckDBTypeId.TIME]: same(8),
  [DuckDBTypeId.TIME_NS]: same(8),
  [DuckDBTypeId.TIMESTAMP_S]: same(8),
  [DuckDBTypeId.TIMESTAMP_MS]: same(8),
  [DuckDBTypeId.TIMESTAMP]: same(8),
  [DuckDBTypeId.TIMESTAMP_NS]: same(8),
  [DuckDBTypeId.TIMESTAMP_TZ]: same(8),
};

/** The layout of a type whose values all take the same bytes; undefined for any other. @param path names the column in errors */
export function fixedLayout(type: DuckDBType, path: string): FixedLayout | undefined {
  if (type instanceof DuckDBDecimalType) return decimalLayout(type.width);
  switch (type.typeId) {
    case DuckDBTypeId.HUGEINT:
      return hugeLayout(path, true);
    case DuckDBTypeId.UHUGEINT:
      return hugeLayout(path, false);
    case DuckDBTypeId.INTERVAL:
      return intervalLayout(path);
    default:
      return SAME[type.typeId];
  }
}

/** DuckDB keeps decimals in as few bytes as their digits need, Arrow in 16. */
function decimalLayout(digits: number): FixedLayout {
  if (digits > 18) return same(DECIMAL_BYTES);
  const from = digits <= 4 ? 2 : digits <= 9 ? 4 : 8;
  const Items = from === 2 ? Int16Array : Int32Array;
  const step = from === 8 ? 2 : 1;
  return {
    from,
    to: DECIMAL_BYTES,
    convert: (values, count, _valid, out) => {
      const items = new Items(values.buffer as ArrayBuffer, values.byteOffset, count * step);
      const words = new Int32Array(out.buffer, out.byteOffset, count * DECIMAL_WORDS);
      for (let row = 0; row < count; row++) {
        const top = items[row * step + step - 1]!;
        const sign = top >> 31;
        const at = row * DECIMAL_WORDS;
        words[at] = items[row * step]!;
        words[at + 1] = step === 2 ? top : sign;
        words[at + 2] = sign;
        words[at + 3] = sign;
      }
    },
  };
}

/** As decimals without a point, whose digits are fewer than some of these have. */
function hugeLayout(path: string, signed: boolean): FixedLayout {
  return {
    from: DECIMAL_BYTES,
    to: DECIMAL_BYTES,
    convert: (values, count, valid, out) => {
      const words = new Int32Array(values.buffer, values.byteOffset, count * DECIMAL_WORDS);
      for (let row = 0; row < count; row++) {
        const word = words[row * DECIMAL_WORDS + 3]!;
        const top = signed ? word : word >>> 0;
        if ((top > -DECIMAL_TOP && top < DECIMAL_TOP) || (valid !== undefined && !isSet(valid, row))) continue;
        const low = BigInt.asUintN(64, int64At(words, row * 2));
        const value = (BigInt(signed ? word : word >>> 0) << 96n) | (BigInt(words[row * DECIMAL_WORDS + 2]! >>> 0) << 64n) | low;
        if (value >= DECIMAL_LIMIT || value <= -DECIMAL_LIMIT) {
          throw outOfRange(path, `${value} has more than ${DECIMAL_DIGITS_MAX} digits: cast the column to VARCHAR`);
        }
      }
      out.set(values);
    },
  };
}

/** DuckDB's months, days and microseconds as Arrow's months, days and nanoseconds. */
function intervalLayout(path: string): FixedLayout {
  return {
    from: 16,
    to: 16,
    convert: (values, count, valid, out) => {
      const from = new Int32Array(values.buffer, values.byteOffset, count * 4);
      const words = new Int32Array(out.buffer, out.byteOffset, count * 4);
      for (let row = 0; row < count; row++) {
        if (valid !== undefined && !isSet(valid, row)) continue;
        words[row * 4] = from[row * 4]!;
        words[row * 4 + 1] = from[row * 4 + 1]!;
        const nanos = (numberAt(from, row * 2 + 1) ?? Infinity) * Number(NANOS_PER_MICRO);
        if (Math.abs(nanos) <= Number.MAX_SAFE_INTEGER) {
          words[row * 4 + 2] = nanos; // stored modulo 2^32
          words[row * 4 + 3] = Math.floor(nanos / HIGH_WORD);
        } else {
          const exact = nanosOf(int64At(from, row * 2 + 1), path);
          words[row * 4 + 2] = Number(BigInt.asIntN(32, exact));
          words[row * 4 + 3] = Number(exact >> 32n);
        }
      }
    },
  };
}

function nanosOf(micros: bigint, path: string): bigint {
  const nanos = micros * NANOS_PER_MICRO;
  if (nanos > INT64_MAX || nanos < -INT64_MAX - 1n) throw outOfRange(path, `an interval of ${micros} microseconds`);
  return nanos;
}
