import type { DuckDBDataChunk } from '@duckdb/node-api';
import { encodedRows } from './encoded-rows.ts';
import type { TypedColumn } from './type-map.ts';
import { textEncoder } from './value-text.ts';

const QUOTED = /^$|[",\r\n]|^\s|\s$/;

/**
 * The chunks as CSV: a header, then one line a row, values as DuckDB's cast to VARCHAR writes them. NULL is empty, an
 * empty text is `""`. Its end says nothing: that `chunks` ended well is for the transport to tell (I8).
 */
export async function* encodeCsv(columns: readonly TypedColumn[], chunks: AsyncIterable<DuckDBDataChunk>): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from(line(columns.map(({ name }) => cell(name))));
  const encoders = columns.map(({ type }) => {
    const encode = textEncoder(type);
    return (value: Parameters<typeof encode>[0] | null) => (value === null ? '' : cell(encode(value)));
  });
  yield* encodedRows(chunks, encoders, line, (rows) => rows.join(''));
}

function line(cells: readonly string[]): string {
  return `${cells.join(',')}\n`;
}

function cell(text: string): string {
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
