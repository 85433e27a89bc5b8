import type { Schema } from 'apache-arrow';
import { InvalidRequest } from '../domain/errors.ts';
import type { ColumnSpec, CreateTableRequest, TableSource } from '../domain/gateway.ts';
import { adoptSchema } from './arrow-adopt.ts';
import { schemaStream } from './arrow-encode.ts';

/** Columns with DuckDB types, e.g. `{ columns: [{ name: 'id', type: 'BIGINT', nullable: false }] }`. */
export interface ColumnsSpec {
  readonly columns: readonly ColumnSpec[];
}

/**
 * What an empty table is made of; a program without types may hand over anything.
 * @throws InvalidRequest unless it is an Arrow schema, of any copy of `apache-arrow`, or columns with a name and a type each
 */
export function emptyTableSource(columns: Schema | ColumnsSpec | object): TableSource {
  if (typeof columns === 'object' && columns !== null) {
    if ('fields' in columns) return { kind: 'arrow', body: schemaStream(adoptSchema(columns)) };
    if ('columns' in columns && Array.isArray(columns.columns) && columns.columns.every(isColumn)) return { kind: 'columns', columns: columns.columns };
  }
  throw new InvalidRequest('Give an Arrow schema, or { columns: [{ name, type, nullable? }] }', { field: 'columns' });
}

/** @throws InvalidRequest unless the key is a list of names */
export function tableRequest(source: TableSource, primaryKey: readonly string[] | undefined): CreateTableRequest {
  if (primaryKey === undefined) return { source };
  if (!Array.isArray(primaryKey) || !primaryKey.every((column) => typeof column === 'string')) {
    throw new InvalidRequest('A primary key is a list of column names', { field: 'primary_key' });
  }
  return { source, primary_key: primaryKey };
}

function isColumn(column: unknown): column is ColumnSpec {
  if (typeof column !== 'object' || column === null) return false;
  const { name, type, nullable } = column as Record<string, unknown>;
  return typeof name === 'string' && typeof type === 'string' && (nullable === undefined || typeof nullable === 'boolean');
}
