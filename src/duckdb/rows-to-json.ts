import type { DuckDBDataChunk } from '@duckdb/node-api';
import { RowWindows } from './row-windows.ts';
import type { TypedColumn } from './type-map.ts';
import { jsonEncoder } from './value-json.ts';

/**
 * The chunks as `{"columns":[{"name","type"}],"rows":[[…],…]}`, in pieces of about 1 MiB. The closing brackets come only
 * after `chunks` ended well (I8).
 */
export async function* encodeJsonRows(columns: readonly TypedColumn[], chunks: AsyncIterable<DuckDBDataChunk>): AsyncGenerator<Uint8Array, void, void> {
  const encoders = columns.map(({ type }) => jsonEncoder(type));
  const names = columns.map(({ name, type }) => ({ name, type: String(type) }));
  yield Buffer.from(`{"columns":${JSON.stringify(names)},"rows":[`);
  const windows = new RowWindows();
  let separator = '';
  for await (const chunk of chunks) {
    let piece: Uint8Array = new Uint8Array();
    const encode = (start: number, end: number): number => {
      piece = encodeRows(chunk, encoders, separator, start, end);
      return piece.length;
    };
    for (const _ of windows.cut(chunk.rowCount, encode)) {
      yield piece;
      separator = ',';
    }
  }
  yield Buffer.from(']}');
}

function encodeRows(chunk: DuckDBDataChunk, encoders: readonly ReturnType<typeof jsonEncoder>[], separator: string, start: number, end: number): Buffer {
  const columns = encoders.map((encode, column) => {
    const vector = chunk.getColumnVector(column);
    return Array.from({ length: end - start }, (_none, row) => encode(vector.getItem(start + row)));
  });
  const rows = Array.from({ length: end - start }, (_none, row) => `[${columns.map((column) => column[row]).join(',')}]`);
  return Buffer.from(separator + rows.join(','));
}
