import type { DuckDBValue } from '@duckdb/node-api';
import type { DecodeBudget } from '../../src/duckdb/arrow-budget.ts';
import { typed, type Validity } from '../../src/duckdb/arrow-buffers.ts';
import { broken } from '../../src/duckdb/arrow-flatbuffer.ts';
import type { OffsetWidth } from '../../src/duckdb/arrow-schema.ts';

/** Which rows of a window hold no value that is wanted: their own null, or one of their parents'. 1 = null. */
export type NullMask = Uint8Array | undefined;

/** The values of rows `start` to `start + count`; rows masked by `parents` come as null whatever bytes they have. */
export type ReadValues = (start: number, count: number, parents: NullMask, budget: DecodeBudget) => DuckDBValue[];

/** Builds the window's values, null where masked. */
export function rows(count: number, rowNulls: NullMask, valueAt: (row: number) => DuckDBValue): DuckDBValue[] {
  const out = new Array<DuckDBValue>(count);
  for (let row = 0; row < count; row++) out[row] = rowNulls?.[row] === 1 ? null : valueAt(row);
  return out;
}

export function nullsIn(validity: Validity, start: number, count: number, parents: NullMask): NullMask {
  if (validity === undefined) return parents;
  const nulls = parents === undefined ? new Uint8Array(count) : Uint8Array.from(parents);
  for (let index = 0; index < count; index++) {
    const row = start + index;
    if (((validity[row >> 3]! >> (row & 7)) & 1) === 0) nulls[index] = 1;
  }
  return nulls;
}

/** Reads `count + 1` offsets of a window, checked: ascending, and none behind `end`. */
export type ReadOffsets = (start: number, count: number) => ArrayLike<number>;

export function readOffsets(bytes: Uint8Array, width: OffsetWidth, length: number, end: number): ReadOffsets {
  if (length === 0) return () => [0]; // an empty column may leave its one offset out
  if (width === 4) {
    const offsets = typed(bytes, Int32Array, length + 1);
    return (start, count) => ascending(offsets.subarray(start, start + count + 1), end);
  }
  const offsets = typed(bytes, BigInt64Array, length + 1);
  return (start, count) => ascending(Float64Array.from(offsets.subarray(start, start + count + 1), Number), end);
}

function ascending(offsets: ArrayLike<number>, end: number): ArrayLike<number> {
  let before = 0;
  for (let index = 0; index < offsets.length; index++) {
    const offset = offsets[index]!;
    if (!(offset >= before)) throw broken('offsets that do not ascend');
    before = offset;
  }
  if (before > end) throw broken('offsets behind the end of their values');
  return offsets;
}
