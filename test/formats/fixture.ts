import type { DuckDBConnection } from '@duckdb/node-api';
import type { RowFormat } from '../../src/domain/gateway.ts';
import { readTextRows, ROW_ENCODERS } from '../../src/duckdb/row-formats.ts';
import { append, chunksOf, columnsOf, pieces } from '../arrow/duckdb-fixture.ts';

type TextFormat = Exclude<RowFormat, 'arrow' | 'parquet'>;

export interface Loading {
  readonly pieceBytes?: number;
  readonly maxBytes?: number;
}

/** A query's rows in a format, as text. */
export async function written(connection: DuckDBConnection, sql: string, format: TextFormat): Promise<string> {
  const result = await connection.stream(sql);
  const parts: Uint8Array[] = [];
  for await (const part of ROW_ENCODERS[format](columnsOf(result), chunksOf(result))) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/** Inserts a body into a table; what an error leaves behind is for the caller to roll back. */
export async function read(
  connection: DuckDBConnection,
  table: string,
  format: TextFormat,
  body: string | Uint8Array,
  { pieceBytes, maxBytes = 1_048_576 }: Loading = {},
): Promise<void> {
  const columns = columnsOf(await connection.run(`SELECT * FROM ${table} LIMIT 0`));
  await append(connection, table, readTextRows(format, pieces(Buffer.from(body), pieceBytes), columns, maxBytes));
}

/** All rows as DuckDB's own text, in order. */
export async function texts(connection: DuckDBConnection, table: string): Promise<unknown[][]> {
  return (await connection.run(`SELECT COLUMNS(*)::VARCHAR FROM ${table}`)).getRows();
}
