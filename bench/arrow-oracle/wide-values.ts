import type { DuckDBIntervalValue } from '@duckdb/node-api';
import { outOfRange } from '../../src/duckdb/arrow-result-column.ts';
import { DECIMAL_DIGITS_MAX } from '../../src/duckdb/type-map.ts';

const NANOS_PER_MICRO = 1_000n;
const INT64_MAX = 2n ** 63n - 1n;
const DECIMAL_LIMIT = 10n ** BigInt(DECIMAL_DIGITS_MAX);

export function writeInt128(items: BigUint64Array, at: number, value: bigint, path: string): void {
  if (value >= DECIMAL_LIMIT || value <= -DECIMAL_LIMIT)
    throw outOfRange(path, `${value} has more than ${DECIMAL_DIGITS_MAX} digits: cast the column to VARCHAR`);
  items[at] = value; // stored modulo 2^64
  items[at + 1] = value >> 64n;
}

export function writeInterval(items: Int32Array, at: number, value: DuckDBIntervalValue, path: string): void {
  const nanos = value.micros * NANOS_PER_MICRO;
  if (nanos > INT64_MAX || nanos < -INT64_MAX - 1n) throw outOfRange(path, `an interval of ${value.micros} microseconds`);
  items[at] = value.months;
  items[at + 1] = value.days;
  items[at + 2] = Number(BigInt.asIntN(32, nanos));
  items[at + 3] = Number(nanos >> 32n);
}
