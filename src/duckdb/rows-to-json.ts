import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { TypedColumn } from './type-map.ts';
import { jsonEncoder } from './value-json.ts';

/**
 * The chunks as `{"columns":[{"name","type"}],"rows":[[…],…]}`, a piece for each chunk. The closing brackets come only
 * after `chunks` ended well (I8).
 */
export async function* encodeJsonRows(columns: readonly TypedColumn[], chunks: AsyncIterable<DuckDBDataChunk>): AsyncGenerator<Uint8Array, void, void> {
  const encoders = columns.map(({ type }) => jsonEncoder(type));
  const names = columns.map(({ name, type }) => ({ name, type: String(type) }));
  yield Buffer.from(`{"columns":${JSON.stringify(names)},"rows":[`);
  let separator = '';
  for await (const chunk of chunks) {
    if (chunk.rowCount === 0) continue;
    const values = encoders.map((encode, column) => encodeColumn(chunk, column, encode));
    const rows = Array.from({ length: chunk.rowCount }, (_none, row) => `[${values.map((column) => column[row]).join(',')}]`);
    yield Buffer.from(separator + rows.join(','));
    separator = ',';
  }
  yield Buffer.from(']}');
}

function encodeColumn(chunk: DuckDBDataChunk, column: number, encode: ReturnType<typeof jsonEncoder>): string[] {
  const vector = chunk.getColumnVector(column);
  return Array.from({ length: chunk.rowCount }, (_none, row) => encode(vector.getItem(row)));
}
