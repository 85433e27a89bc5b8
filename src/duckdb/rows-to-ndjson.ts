import type { DuckDBDataChunk } from '@duckdb/node-api';
import { distinctNames } from './distinct-names.ts';
import { encodedRows } from './encoded-rows.ts';
import type { TypedColumn } from './type-map.ts';
import { jsonEncoder } from './value-json.ts';

/** The chunks as one JSON object a line. Its end says nothing: that `chunks` ended well is for the transport to tell (I8). */
export async function* encodeNdjson(columns: readonly TypedColumn[], chunks: AsyncIterable<DuckDBDataChunk>): AsyncGenerator<Uint8Array, void, void> {
  const keys = distinctNames(columns.map(({ name }) => name)).map((name) => JSON.stringify(name));
  const encoders = columns.map(({ type }) => jsonEncoder(type));
  const row = (cells: readonly string[]): string => `{${cells.map((cell, column) => `${keys[column]}:${cell}`).join(',')}}\n`;
  yield* encodedRows(chunks, encoders, row, (rows) => rows.join(''));
}
