import type { DuckDBAppender, DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { ByteStream } from '../domain/gateway.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { TableDescription } from '../ports/table-engine.ts';
import { matchColumns, type ArrowInput } from './arrow-to-duckdb.ts';
import { ChunkBudget } from './chunk-budget.ts';
import { readJsonRows } from './json-rows.ts';
import type { Transaction } from './transaction.ts';
import type { TypedColumn } from './type-map.ts';

/** What an appender gathers before it goes into the table, where the session's memory limit sees it. */
const FLUSH_BYTES = 2 * 1_048_576;

/** A body that knows how much of it was read. */
export interface MeasuredBody extends ByteStream {
  readonly bytes: number;
}

export function measured(body: ByteStream): MeasuredBody {
  const counter = {
    bytes: 0,
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
      for await (const piece of body) {
        counter.bytes += piece.byteLength;
        yield piece;
      }
    },
  };
  return counter;
}

/** @throws SchemaMismatch and all that reading the stream may throw; the caller rolls back */
export async function appendArrow(
  connection: DuckDBConnection,
  table: Pick<TableDescription, 'name' | 'columns'>,
  input: ArrowInput,
  body: MeasuredBody,
  transaction: Transaction,
): Promise<void> {
  try {
    matchColumns(table.columns, input);
  } catch (error) {
    await input.close();
    throw error;
  }
  await appendChunks(connection, table.name, input.chunks(), body, transaction);
}

export async function appendJson(
  connection: DuckDBConnection,
  name: LogicalName,
  columns: readonly TypedColumn[],
  body: MeasuredBody,
  bodyMaxBytes: number,
  transaction: Transaction,
): Promise<void> {
  await appendChunks(connection, name, readJsonRows(body, columns, { bodyMaxBytes }), body, transaction);
}

async function appendChunks(
  connection: DuckDBConnection,
  name: LogicalName,
  chunks: AsyncIterable<DuckDBDataChunk>,
  body: MeasuredBody,
  transaction: Transaction,
): Promise<void> {
  const appender = await connection.createAppender(name, 'public', 'mutable');
  const budget = new ChunkBudget();
  let seenBytes = body.bytes;
  let flushedAt = body.bytes;
  try {
    for await (const chunk of chunks) {
      transaction.check();
      appender.appendDataChunk(chunk);
      if (body.bytes - flushedAt >= FLUSH_BYTES) {
        appender.flushSync();
        flushedAt = body.bytes;
      }
      await budget.spend(body.bytes - seenBytes);
      seenBytes = body.bytes;
    }
    appender.flushSync();
    appender.closeSync();
  } catch (error) {
    discard(appender);
    throw error;
  }
}

/** What is left in an appender would be written when it is collected, outside of any transaction. */
function discard(appender: DuckDBAppender): void {
  for (const step of [() => appender.clear(), () => appender.closeSync()]) {
    try {
      step();
    } catch {
      // It failed already, and its error is on its way to the caller.
    }
  }
}
