import { DuckDBInstance, type DuckDBConnection, type DuckDBDataChunk, type DuckDBResult } from '@duckdb/node-api';
import { tableFromIPC, type Table } from 'apache-arrow';
import type { ByteStream } from '../../src/domain/gateway.ts';
import { openArrowStream, type OpenDecoder } from '../../src/duckdb/arrow-to-duckdb.ts';
import { encodeArrow } from '../../src/duckdb/duckdb-to-arrow.ts';
import { readJsonRows } from '../../src/duckdb/json-rows.ts';
import type { RowChunk } from '../../src/duckdb/row-chunk.ts';
import { encodeJsonRows } from '../../src/duckdb/rows-to-json.ts';
import type { TypedColumn } from '../../src/duckdb/type-map.ts';

export const MESSAGE_MAX_BYTES = 16 * 1_048_576;

export async function connect(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  return instance.connect();
}

/** The bytes in pieces that end where nothing in the format does. */
export async function* pieces(bytes: Uint8Array, size = 1_021): ByteStream & AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Loads a stream into the table `t`, made anew from its schema; resolves with the rows handed out. */
export async function loadArrow(connection: DuckDBConnection, bytes: Uint8Array, pieceBytes?: number): Promise<number> {
  return insertArrow(connection, 't', bytes, undefined, pieceBytes);
}

/** Loads a stream into a table, made anew from its schema, by the given decoder or the product's. */
export async function insertArrow(connection: DuckDBConnection, table: string, bytes: Uint8Array, decoder?: OpenDecoder, pieceBytes?: number): Promise<number> {
  const input = await openArrowStream(pieces(bytes, pieceBytes), { messageMaxBytes: MESSAGE_MAX_BYTES }, decoder);
  const columns = input.columns.map(({ name, type }) => `"${name.replaceAll('"', '""')}" ${type}`);
  await connection.run(`CREATE OR REPLACE TABLE ${table}(${columns.join(', ')})`);
  await append(connection, table, input.chunks());
  return input.rows;
}

/** What an appender of a stream that failed still held would be written into the table once it is collected. */
export async function append(connection: DuckDBConnection, table: string, chunks: AsyncIterable<RowChunk>): Promise<void> {
  const appender = await connection.createAppender(table);
  try {
    for await (const { chunk } of chunks) appender.appendDataChunk(chunk);
  } catch (error) {
    appender.clear();
    throw error;
  } finally {
    appender.closeSync();
  }
}

export async function selectArrow(connection: DuckDBConnection, sql: string): Promise<Table> {
  return tableFromIPC(await gather(connection, sql, encodeArrow));
}

export async function selectJson(connection: DuckDBConnection, sql: string): Promise<string> {
  return Buffer.from(await gather(connection, sql, encodeJsonRows)).toString('utf8');
}

/** Inserts a JSON body into the table `t`. */
export async function loadJson(connection: DuckDBConnection, body: string | Uint8Array, bodyMaxBytes = 1_048_576): Promise<void> {
  const columns = columnsOf(await connection.run('SELECT * FROM t LIMIT 0'));
  await append(connection, 't', readJsonRows(pieces(Buffer.from(body)), columns, { bodyMaxBytes }));
}

export type Encode = (columns: readonly TypedColumn[], chunks: AsyncIterable<DuckDBDataChunk>) => AsyncIterable<Uint8Array>;

export async function gather(connection: DuckDBConnection, sql: string, encode: Encode): Promise<Buffer> {
  const result = await connection.stream(sql);
  const parts: Uint8Array[] = [];
  for await (const part of encode(columnsOf(result), chunksOf(result))) parts.push(part);
  return Buffer.concat(parts);
}

export function columnsOf(result: DuckDBResult): TypedColumn[] {
  return result.columnNames().map((name, index) => ({ name, type: result.columnType(index) }));
}

export async function* chunksOf(result: DuckDBResult): AsyncGenerator<DuckDBDataChunk> {
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    yield chunk;
  }
}
