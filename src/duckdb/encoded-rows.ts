import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import { YOUNG_ROWS_MAX } from './chunk-budget.ts';
import { RowWindows } from './row-windows.ts';
import { keepTextMarks } from './text-marks.ts';

keepTextMarks();

export type CellEncoder = (value: DuckDBValue) => string;

/**
 * The rows as text, in pieces of at most about 1 MiB. A chunk is read before the next is asked for.
 * @param row one row, from its cells
 * @param piece what is sent for some rows that follow each other
 */
export async function* encodedRows(
  chunks: AsyncIterable<DuckDBDataChunk>,
  encoders: readonly CellEncoder[],
  row: (cells: readonly string[]) => string,
  piece: (rows: readonly string[]) => string,
): AsyncGenerator<Uint8Array, void, void> {
  const windows = new RowWindows(YOUNG_ROWS_MAX);
  let bytes: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    const encode = (start: number, end: number): number => {
      bytes = Buffer.from(piece(rowsOf(chunk, encoders, start, end).map(row)));
      return bytes.length;
    };
    for (const _ of windows.cut(chunk.rowCount, encode)) yield bytes;
  }
}

/** Column by column: a vector is looked up once for all its rows. */
function rowsOf(chunk: DuckDBDataChunk, encoders: readonly CellEncoder[], start: number, end: number): string[][] {
  const rows = Array.from({ length: end - start }, (): string[] => []);
  encoders.forEach((encode, column) => {
    const vector = chunk.getColumnVector(column);
    rows.forEach((cells, row) => cells.push(encode(vector.getItem(start + row))));
  });
  return rows;
}
