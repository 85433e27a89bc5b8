import type { DuckDBDataChunk } from '@duckdb/node-api';
import { encodedRows } from './encoded-rows.ts';
import type { TypedColumn } from './type-map.ts';
import { jsonEncoder } from './value-json.ts';

/**
 * The chunks as `{"columns":[{"name","type"}],"rows":[[…],…]}`. The closing brackets come only after `chunks` ended
 * well (I8).
 */
export async function* encodeJsonRows(columns: readonly TypedColumn[], chunks: AsyncIterable<DuckDBDataChunk>): AsyncGenerator<Uint8Array, void, void> {
  const names = columns.map(({ name, type }) => ({ name, type: String(type) }));
  yield Buffer.from(`{"columns":${JSON.stringify(names)},"rows":[`);
  const encoders = columns.map(({ type }) => jsonEncoder(type));
  let separator = '';
  const piece = (rows: readonly string[]): string => {
    const text = separator + rows.join(',');
    separator = ',';
    return text;
  };
  yield* encodedRows(chunks, encoders, (cells) => `[${cells.join(',')}]`, piece);
  yield Buffer.from(']}');
}
