import { DuckDBTypeId, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';
import { jsonText } from './value-json.ts';

/** A value as DuckDB's cast to VARCHAR writes it; a VARIANT as JSON. */
export function valueText(type: DuckDBType, value: NonNullable<DuckDBValue>): string {
  return type.typeId === DuckDBTypeId.VARIANT ? jsonText(type, value) : String(value);
}
