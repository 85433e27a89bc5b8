import type { DuckDBValue } from '@duckdb/node-api';
import type { DecodeBudget } from './arrow-budget.ts';
import type { NullMask } from './arrow-buffers.ts';

/** The values of rows `start` to `start + count`; rows masked by `parents` come as null whatever bytes they have. */
export type ReadValues = (start: number, count: number, parents: NullMask, budget: DecodeBudget) => DuckDBValue[];

/** Builds the window's values, null where masked. */
export function rows(count: number, rowNulls: NullMask, valueAt: (row: number) => DuckDBValue): DuckDBValue[] {
  const out = new Array<DuckDBValue>(count);
  for (let row = 0; row < count; row++) out[row] = rowNulls?.[row] === 1 ? null : valueAt(row);
  return out;
}
