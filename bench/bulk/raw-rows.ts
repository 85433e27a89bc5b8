import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { openArrowStream, type OpenDecoder } from '../../src/duckdb/arrow-to-duckdb.ts';
import { encodeArrow, type OpenEncoder } from '../../src/duckdb/duckdb-to-arrow.ts';
import { FLUSH_BYTES } from '../../src/duckdb/insert-rows.ts';
import { ValueBatches } from '../arrow-oracle/batches.ts';
import { ValueEncoder } from '../arrow-oracle/encoder.ts';

const MESSAGE_MAX_BYTES = 64 * 1_048_576;

/** Arrow in and out of raw DuckDB in this process: by the bridge, or by the documented interface, value by value. */
export interface Way {
  readonly decoder?: OpenDecoder;
  readonly encoder?: OpenEncoder;
}

export const BRIDGE: Way = {};
export const DOCUMENTED: Way = {
  decoder: (fields, maxBytes) => new ValueBatches(fields, maxBytes),
  encoder: (columns) => new ValueEncoder(columns),
};

/** An Arrow stream in pieces. */
export type Pieces = readonly Uint8Array[];

export async function arrowOf(connection: DuckDBConnection, sql: string, { encoder }: Way): Promise<Pieces> {
  const result = await connection.stream(sql);
  const types = result.columnTypes();
  const columns = result.columnNames().map((name, index) => ({ name, type: types[index]! }));
  const pieces: Uint8Array[] = [];
  const chunks = async function* (): AsyncGenerator<DuckDBDataChunk> {
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      yield chunk;
    }
  };
  for await (const piece of encodeArrow(columns, chunks(), encoder)) pieces.push(piece);
  return pieces;
}

/** Into a table of its own, which is dropped. @returns rows inserted */
export async function insertArrow(connection: DuckDBConnection, pieces: Pieces, { decoder }: Way): Promise<number> {
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield* pieces;
  };
  const input = await openArrowStream(body(), { messageMaxBytes: MESSAGE_MAX_BYTES }, decoder);
  const columns = input.columns.map(({ name, type }) => `"${name}" ${type}`);
  await connection.run(`CREATE TABLE inserted (${columns.join(', ')})`);
  await connection.run('BEGIN');
  const appender = await connection.createAppender('inserted');
  let unflushedBytes = 0;
  for await (const { chunk, bytes } of input.chunks()) {
    appender.appendDataChunk(chunk);
    unflushedBytes += bytes;
    if (unflushedBytes < FLUSH_BYTES) continue;
    appender.flushSync();
    unflushedBytes = 0;
  }
  appender.closeSync();
  await connection.run('COMMIT');
  await connection.run('DROP TABLE inserted');
  return input.rows;
}

export async function createTableAs(connection: DuckDBConnection, source: string): Promise<void> {
  await connection.run(`CREATE TABLE made AS FROM ${source}`);
  await connection.run('DROP TABLE made');
}
