import { DuckDBArrayType, DuckDBListType, DuckDBMapType, DuckDBStructType, DuckDBTypeId, DuckDBUnionType, type DuckDBType } from '@duckdb/node-api';
import { UnsupportedType } from '../domain/errors.ts';
import { quoted } from './table-catalog.ts';

/** What a file holds in place of what it cannot hold exactly: DuckDB alone would round these, or cut digits off. */
const STAND_INS: Partial<Record<DuckDBTypeId, string>> = {
  [DuckDBTypeId.HUGEINT]: 'DECIMAL(38,0)',
  [DuckDBTypeId.UHUGEINT]: 'DECIMAL(38,0)',
  [DuckDBTypeId.TIMESTAMP_S]: 'TIMESTAMP',
  [DuckDBTypeId.TIMESTAMP_MS]: 'TIMESTAMP',
  [DuckDBTypeId.INTERVAL]: 'VARCHAR',
  [DuckDBTypeId.ENUM]: 'VARCHAR',
  [DuckDBTypeId.BIT]: 'VARCHAR',
  [DuckDBTypeId.BIGNUM]: 'VARCHAR',
  [DuckDBTypeId.SQLNULL]: 'INTEGER',
};

/** The type that a column has in a Parquet file, as SQL. @throws UnsupportedType (`field`) */
export function parquetType(type: DuckDBType, field: string): string {
  const standIn = STAND_INS[type.typeId];
  if (standIn !== undefined) return standIn;
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return `${parquetType(type.valueType, field)}[]`;
  if (type instanceof DuckDBMapType) return `MAP(${parquetType(type.keyType, field)}, ${parquetType(type.valueType, field)})`;
  if (type instanceof DuckDBStructType) {
    const fields = type.entryNames.map((name, index) => `${quoted(name)} ${parquetType(type.entryTypes[index]!, field)}`);
    return `STRUCT(${fields.join(', ')})`;
  }
  if (type instanceof DuckDBUnionType) {
    throw new UnsupportedType(`The column "${field}" of type ${type} cannot be held by a Parquet file: cast it`, { field });
  }
  return String(type);
}
