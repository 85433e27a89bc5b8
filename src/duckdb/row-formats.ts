import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { ByteStream, RowFormat } from '../domain/gateway.ts';
import { ChunkBudget, WHOLE_BUDGET_BYTES } from './chunk-budget.ts';
import { readCsvRows } from './csv-rows.ts';
import { encodeArrow } from './duckdb-to-arrow.ts';
import { readJsonRows } from './json-rows.ts';
import { readNdjsonRows } from './ndjson-rows.ts';
import type { RowChunk } from './row-chunk.ts';
import { encodeCsv } from './rows-to-csv.ts';
import { encodeJsonRows } from './rows-to-json.ts';
import { encodeNdjson } from './rows-to-ndjson.ts';
import type { TypedColumn } from './type-map.ts';

export type RowEncoder = (columns: readonly TypedColumn[], chunks: AsyncIterable<DuckDBDataChunk>) => AsyncGenerator<Uint8Array, void, void>;

/** Formats of rows that come and go one after the other; a Parquet file is read from its end. */
export type StreamedFormat = Exclude<RowFormat, 'parquet'>;

/** A format whose end tells nothing is made whole by the transport; the others bear their own end (I8). */
export const ROW_ENCODERS: Readonly<Record<StreamedFormat, RowEncoder>> = {
  arrow: encodeArrow,
  json: encodeJsonRows,
  ndjson: encodeNdjson,
  csv: encodeCsv,
};

/** Rows as text were values and strings of the heap before: more is garbage than what is sent. */
const TEXT_WHOLE_BUDGET_BYTES = WHOLE_BUDGET_BYTES / 4;

/** When garbage is collected while an answer is made. */
export function answerBudget(format: StreamedFormat): ChunkBudget {
  return new ChunkBudget(format === 'arrow' ? WHOLE_BUDGET_BYTES : TEXT_WHOLE_BUDGET_BYTES);
}

/** Rows as text, typed by the columns of the table they go into. @param maxBytes of what is taken into memory at once */
export function readTextRows(
  format: Exclude<StreamedFormat, 'arrow'>,
  body: ByteStream,
  columns: readonly TypedColumn[],
  maxBytes: number,
): AsyncGenerator<RowChunk, void, void> {
  switch (format) {
    case 'json':
      return readJsonRows(body, columns, { bodyMaxBytes: maxBytes });
    case 'ndjson':
      return readNdjsonRows(body, columns, { rowMaxBytes: maxBytes });
    case 'csv':
      return readCsvRows(body, columns, { rowMaxBytes: maxBytes });
  }
}
