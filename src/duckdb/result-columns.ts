import { BIGINT, BOOLEAN, DATE, DOUBLE, FLOAT, INTEGER, SMALLINT, TIMESTAMP, TINYINT, UBIGINT, UINTEGER, USMALLINT, UTINYINT } from '@duckdb/node-api';
import type { DuckDBResult, DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import type { TypedColumn } from './type-map.ts';

/**
 * Types that their id says all of: they have neither parameters nor, as a text has that is JSON, an alias. To ask DuckDB
 * for the whole type takes five calls, and a column of a short answer as long as its value.
 */
const PLAIN: ReadonlyMap<DuckDBTypeId, DuckDBType> = new Map<DuckDBTypeId, DuckDBType>(
  [BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, UTINYINT, USMALLINT, UINTEGER, UBIGINT, FLOAT, DOUBLE, DATE, TIMESTAMP].map((type) => [type.typeId, type]),
);

/** A result's columns, in order. */
export function columnsOf(result: DuckDBResult): TypedColumn[] {
  return result.columnNames().map((name, index) => ({ name, type: PLAIN.get(result.columnTypeId(index)) ?? result.columnType(index) }));
}
